import { parseContentRange } from "#http/content-range.ts";
import type { BodyLength } from "../cache/storage-decision.ts";
import { fieldOf } from "../fields.ts";
import type { BodySink, OriginBody, OriginFailure, OriginResponse } from "../origin/origin.ts";
import { strongValidator } from "../slices/sliced-identity.ts";

/** Asks the origin with these fields more: conditions and range. */
type Ask = (fields: readonly string[]) => Promise<OriginResponse | OriginFailure>;

/**
 * A sibling's answer that outlives the sibling: where its body breaks off, the origin is asked for the
 * rest, once (RFC 9110 §14.2, §13.1.5). Of what has no strong validator nobody can.
 */
export function resumable(answer: OriginResponse, ask: Ask): OriginResponse {
  const { status, fields, length, responseTime } = answer;
  const validator = strongValidator(fields, responseTime);
  if (status !== 200 || validator === undefined) return answer;
  const body = new ResumedBody(answer, { validator, length, ask });
  return { ...answer, body, discard: () => body.discard() };
}

interface Whole {
  readonly validator: string;
  readonly length: BodyLength;
  readonly ask: Ask;
}

class ResumedBody implements OriginBody {
  readonly #whole: Whole;
  #answer: OriginResponse;
  #bytes = 0;
  #isDiscarded = false;
  /** Its reader takes no more until `resume`. */
  #isHeld = false;
  /** The rest is there, and waits for its reader. */
  #begin: (() => void) | undefined;

  constructor(answer: OriginResponse, whole: Whole) {
    this.#answer = answer;
    this.#whole = whole;
  }

  read(sink: BodySink): void {
    this.#readFrom(0, sink, () => {
      this.#goOn(sink).catch(() => sink.fail());
    });
  }

  resume(): void {
    this.#isHeld = false;
    const begin = this.#begin;
    this.#begin = undefined;
    if (begin === undefined) this.#answer.body.resume();
    else begin();
  }

  discard(): void {
    this.#isDiscarded = true;
    this.#answer.discard();
  }

  /** Passes on all but as many of the first octets. */
  #readFrom(skippedBytes: number, sink: BodySink, fail: () => void): void {
    let skipBytes = skippedBytes;
    this.#answer.body.read({
      chunk: (chunk) => {
        const at = Math.min(skipBytes, chunk.length);
        skipBytes -= at;
        if (at === chunk.length) return true;
        this.#bytes += chunk.length - at;
        // It may say that it takes more before it has returned.
        this.#isHeld = true;
        const goesOn = sink.chunk(chunk.subarray(at));
        if (goesOn) this.#isHeld = false;
        return goesOn;
      },
      end: (trailers) => (skipBytes > 0 ? sink.fail() : sink.end(trailers)),
      fail,
    });
  }

  async #goOn(sink: BodySink): Promise<void> {
    const { validator, ask } = this.#whole;
    if (this.#isDiscarded) return sink.fail();
    const rest = await ask(["range", `bytes=${this.#bytes}-`, "if-range", validator]);
    if (rest.kind === "failed") return sink.fail();
    const first = this.#isDiscarded ? undefined : this.#firstOf(rest);
    if (first === undefined) {
      rest.discard();
      return sink.fail();
    }
    this.#answer = rest;
    const begin = (): void => this.#readFrom(this.#bytes - first, sink, () => sink.fail());
    if (this.#isHeld) this.#begin = begin;
    else begin();
  }

  /**
   * With which octet it begins, if it is of the same representation and goes on behind what is there:
   * the rest (RFC 9110 §15.3.7.3), or all of it (§14.2: a range may be ignored).
   */
  #firstOf({ status, fields, length, responseTime }: OriginResponse): number | undefined {
    const { validator, length: wholeLength } = this.#whole;
    if (strongValidator(fields, responseTime) !== validator) return undefined;
    const isOther =
      typeof length === "number" && typeof wholeLength === "number" && length !== wholeLength;
    if (status === 200) return isOther ? undefined : 0;
    const range = parseContentRange(fieldOf(fields, "content-range") ?? "");
    if (status !== 206 || range?.kind !== "range" || range.first !== this.#bytes) return undefined;
    const end = typeof wholeLength === "number" ? wholeLength : range.length;
    return range.last + 1 === end ? range.first : undefined;
  }
}

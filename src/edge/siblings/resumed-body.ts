import { parseContentRange } from "#http/content-range.ts";
import { fieldOf } from "../fields.ts";
import { SLICE_BYTES } from "../limits.ts";
import type { BodySink, OriginBody, OriginFailure, OriginResponse } from "../origin/origin.ts";
import { strongValidator } from "../slices/sliced-identity.ts";

/** Asks the origin with these fields more: conditions and range. */
type Ask = (fields: readonly string[]) => Promise<OriginResponse | OriginFailure>;

/**
 * A sibling's answer that outlives the sibling: where its body breaks off, the origin is asked for the
 * rest, once (RFC 9110 §14.2, §13.1.5). Of longer bodies than one slice whoever reads them does that,
 * and of what has no strong validator nobody can.
 */
export function resumable(answer: OriginResponse, ask: Ask): OriginResponse {
  const { status, fields, length, responseTime } = answer;
  if (status !== 200 || typeof length !== "number" || length > SLICE_BYTES) return answer;
  const validator = strongValidator(fields, responseTime);
  if (validator === undefined) return answer;
  const body = new ResumedBody(answer, { validator, length, ask });
  return { ...answer, body, discard: () => body.discard() };
}

interface Whole {
  readonly validator: string;
  readonly length: number;
  readonly ask: Ask;
}

class ResumedBody implements OriginBody {
  readonly #whole: Whole;
  #answer: OriginResponse;
  #bytes = 0;
  #isDiscarded = false;

  constructor(answer: OriginResponse, whole: Whole) {
    this.#answer = answer;
    this.#whole = whole;
  }

  read(sink: BodySink): void {
    this.#readFrom(sink, () => void this.#goOn(sink));
  }

  resume(): void {
    this.#answer.body.resume();
  }

  discard(): void {
    this.#isDiscarded = true;
    this.#answer.discard();
  }

  #readFrom(sink: BodySink, fail: () => void): void {
    this.#answer.body.read({
      chunk: (chunk) => {
        this.#bytes += chunk.length;
        return sink.chunk(chunk);
      },
      end: (trailers) => sink.end(trailers),
      fail,
    });
  }

  async #goOn(sink: BodySink): Promise<void> {
    const { validator, length, ask } = this.#whole;
    if (this.#isDiscarded || this.#bytes >= length) return sink.fail();
    const rest = await ask(["range", `bytes=${this.#bytes}-`, "if-range", validator]);
    if (rest.kind === "failed") return sink.fail();
    if (this.#isDiscarded || !this.#isRest(rest)) {
      rest.discard();
      return sink.fail();
    }
    this.#answer = rest;
    this.#readFrom(sink, () => sink.fail());
  }

  /** RFC 9110 §15.3.7.3: of the same representation, and to be put behind what is there. */
  #isRest({ status, fields, responseTime }: OriginResponse): boolean {
    const range = parseContentRange(fieldOf(fields, "content-range") ?? "");
    if (status !== 206 || range?.kind !== "range") return false;
    const { validator, length } = this.#whole;
    const isBehind = range.first === this.#bytes && range.last === length - 1;
    return isBehind && strongValidator(fields, responseTime) === validator;
  }
}

import type { Socket } from "node:net";
import { type Duplex, duplexPair } from "node:stream";
import { manualClock } from "#clock.ts";
import { Body } from "#edge/cache/body.ts";
import type { ContentReader } from "#edge/cache/content-reader.ts";
import { MemoryBudget } from "#edge/cache/memory-budget.ts";
import type { Ending, Exchange, Serve } from "#edge/exchange.ts";
import { FieldSection } from "#edge/fields.ts";
import type { Reply } from "#edge/reply.ts";
import type { RequestHead } from "#edge/request.ts";
import { HpackDecoder } from "#edge/wire/hpack/decoder.ts";
import { Http2Connection } from "#edge/wire/http2/connection.ts";
import { FrameType } from "#edge/wire/http2/frames.ts";
import { Slabs } from "#edge/wire/slabs.ts";
import { type Frame, framesOf, inWords, preface, settings, settingsAck } from "./frames.ts";

/** What has been asked, and who asks. */
export interface Asked {
  readonly request: RequestHead;
  readonly exchange: Exchange;
}

const NO_FIELDS = new FieldSection("");

/** A reply of status 200 with no fields but those of the wire. */
export function reply(
  content?: Buffer | ContentReader | string,
  terms: Partial<Reply> = {},
): Reply {
  const octets = typeof content === "string" ? Buffer.from(content) : content;
  return {
    status: 200,
    section: NO_FIELDS,
    own: NO_FIELDS,
    requestId: "id",
    contentLength: octets instanceof Buffer ? octets.length : undefined,
    ...(octets === undefined ? {} : { content: octets }),
    cache: "NONE",
    live: undefined,
    ...terms,
  };
}

/** A body that is written as the test goes on. */
export function body(mode: "retained" | "windowed" = "retained"): Body {
  const written = new Body(new MemoryBudget(2 ** 30), mode);
  written.hold();
  return written;
}

/** Answers all requests with two octets. */
export const ok: Serve = (_request, exchange) => exchange.respond(reply("ok"));

/** How a peer begins. */
export interface PeerTerms {
  readonly serve?: Serve;
  /** Its first SETTINGS, identifiers and values alternating. */
  readonly settings?: readonly number[];
  /** What it sends instead of a preface, SETTINGS and the acknowledgement of the server's. */
  readonly opening?: Buffer;
  /** What has been read of it before the connection begins. */
  readonly received?: Buffer;
}

/** A client of a connection, with all time in its hands. What is not answered by `serve` waits. */
export class Peer implements Disposable {
  readonly clock = manualClock(1_000_000);
  readonly stopwatch = manualClock(0);
  readonly asked: Asked[] = [];
  readonly endings: Ending[] = [];
  readonly connection: Http2Connection;
  readonly wire: Duplex;
  readonly #decoder = new HpackDecoder({
    tableBytesMax: 4096,
    fieldsBytesMax: 2 ** 20,
    fieldLinesMax: 1_000,
  });
  #received: Buffer = Buffer.alloc(0);
  #ended = false;
  #closed = false;

  constructor({ serve, settings: pairs = [], opening, received }: PeerTerms = {}) {
    const [near, far] = duplexPair({ highWaterMark: 64 * 1024 });
    this.wire = near;
    near.on("data", (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk]);
    });
    near.on("end", () => {
      this.#ended = true;
    });
    far.on("close", () => {
      this.#closed = true;
    });
    const socket = Object.assign(far, { destroySoon: () => far.end(() => far.destroy()) });
    const parts = {
      serve: (request: RequestHead, exchange: Exchange) => {
        this.asked.push({ request, exchange });
        serve?.(request, exchange);
      },
      observer: { ended: (ending: Ending) => this.endings.push(ending) },
      clock: this.clock,
      stopwatch: this.stopwatch,
      slabs: new Slabs(),
    };
    const client = { address: "" };
    this.connection = new Http2Connection(socket as unknown as Socket, parts, client, received);
    this.send(opening ?? Buffer.concat([Buffer.from(preface), settings(...pairs), settingsAck]));
  }

  [Symbol.dispose](): void {
    this.connection.destroy();
  }

  /** The exchange of one of the streams, of which none was skipped. */
  asking(streamId: number): Exchange {
    const asked = this.asked[(streamId - 1) / 2];
    if (asked === undefined) throw new Error(`Stream ${streamId} has not been served`);
    return asked.exchange;
  }

  /** Whether the server has ended its side. */
  get ended(): boolean {
    return this.#ended || this.#closed;
  }

  /** Whether the connection is gone altogether. */
  get closed(): boolean {
    return this.#closed;
  }

  send(...frames: readonly Buffer[]): void {
    this.wire.write(Buffer.concat(frames));
  }

  /** The frames that have come since this was last asked, once nothing more happens. */
  async receive(): Promise<Frame[]> {
    for (let quiet = 0; quiet < 3; quiet += 1) {
      const { length } = this.#received;
      await new Promise((resolve) => setImmediate(resolve));
      if (this.#received.length !== length) quiet = 0;
    }
    const { frames, rest } = framesOf(this.#received);
    this.#received = rest;
    return frames;
  }

  /** The same in words, without what every connection begins with. */
  async hear(): Promise<string[]> {
    const words = (await this.receive()).map(inWords);
    return words.filter((word) => !/^SETTINGS|^WINDOW_UPDATE 0 983041$/.test(word));
  }

  /** Sends these and answers what comes of it. */
  async exchange(...frames: readonly Buffer[]): Promise<string[]> {
    this.send(...frames);
    return this.hear();
  }

  /** The fields of a HEADERS frame; all of them have to be decoded, in their order. */
  fields({ type, payload }: Frame): string[] {
    if (type !== FrameType.headers) throw new Error("Expected HEADERS");
    const decoded = this.#decoder.decode(payload, 0, payload.length);
    if (decoded.kind !== "fields") throw new Error(`Expected fields: ${decoded.kind}`);
    return decoded.fields;
  }

  /** Time goes by, and the connection looks at its deadlines. */
  async pass(ms: number): Promise<string[]> {
    this.clock.advance(ms);
    this.connection.expire(this.clock.now());
    return this.hear();
  }

  /** Reads no more, until `wire.resume()`. */
  stopReading(): void {
    this.wire.pause();
  }
}

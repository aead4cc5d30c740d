import assert from "node:assert/strict";
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { connect } from "node:net";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { SLICE_BYTES } from "#edge/limits.ts";
import { host } from "../support.ts";

export const MIB = 1024 * 1024;
assert.equal(SLICE_BYTES, MIB);

/** A prime, so that no two slices are alike, and an octet that is elsewhere is another octet. */
const PERIOD_BYTES = 1_000_003;
const CHUNK_BYTES = 64 * 1024;

/** The octets of one version of an object, wherever one looks; none of them are kept. */
export class Content {
  readonly length: number;
  readonly #period: Buffer;

  constructor(length: number, seed = 1) {
    this.length = length;
    this.#period = Buffer.alloc(PERIOD_BYTES);
    for (let i = 0, state = seed; i < PERIOD_BYTES; i += 1) {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      this.#period[i] = state >>> 24;
    }
  }

  /** From `first` up to, but without, `end`. */
  slice(first: number, end = this.length): Buffer {
    const octets = Buffer.allocUnsafe(end - first);
    for (let at = 0; at < octets.length; ) {
      at += this.#period.copy(octets, at, (first + at) % PERIOD_BYTES);
    }
    return octets;
  }

  *chunks(first: number, end: number): Generator<Buffer, void, undefined> {
    for (let at = first; at < end; at += CHUNK_BYTES) {
      yield this.slice(at, Math.min(at + CHUNK_BYTES, end));
    }
  }
}

/** A store with one object, as a test has it behave. */
export interface ObjectOrigin {
  readonly answer: RequestListener;
  content: Content;
  headers: Readonly<Record<string, string>>;
  /** It answers everything with the whole. */
  ignoresRange: boolean;
  /** Octets after which it closes the connection of an answer; each counts once. */
  readonly breaks: number[];
  /** What it was asked for, in order: a range, or "whole". */
  readonly asked: string[];
  /** Octets of content that it has written. */
  sentBytes: number;
}

export function objectOrigin(
  content: Content,
  headers: Readonly<Record<string, string>> = { etag: '"a"' },
): ObjectOrigin {
  const origin: ObjectOrigin = {
    answer: (incoming, response) => {
      // Who leaves is no failure of the test's.
      void respond(origin, incoming, response).catch(() => undefined);
    },
    content,
    headers,
    ignoresRange: false,
    breaks: [],
    asked: [],
    sentBytes: 0,
  };
  return origin;
}

/** As Cache-Status has it in a log: the slices of each fetch. */
export function slicesIn(asked: readonly string[]): string[] {
  return asked.map((range) => {
    const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(range) ?? [];
    if (first === undefined || last === undefined) return range;
    assert.equal(Number(first) % MIB, 0, range);
    return `${Number(first) / MIB}-${Math.floor(Number(last) / MIB)}`;
  });
}

async function respond(
  origin: ObjectOrigin,
  { headers }: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { content } = origin;
  origin.asked.push(headers.range ?? "whole");
  const range = origin.ignoresRange ? undefined : rangeOf(headers, origin);
  const [first, end] = range ?? [0, content.length];
  if (first >= content.length) {
    response.writeHead(416, { "content-range": `bytes */${content.length}` }).end();
    return;
  }
  response.writeHead(range === undefined ? 200 : 206, {
    ...origin.headers,
    "content-length": end - first,
    ...(range === undefined
      ? {}
      : { "content-range": `bytes ${first}-${end - 1}/${content.length}` }),
  });
  const breaksAfter = origin.breaks.shift() ?? Infinity;
  let bytes = 0;
  const counted = function* (): Generator<Buffer, void, undefined> {
    for (const chunk of content.chunks(first, Math.min(end, first + breaksAfter))) {
      bytes += chunk.length;
      origin.sentBytes += chunk.length;
      yield chunk;
    }
  };
  await pipeline(Readable.from(counted(), { highWaterMark: 1 }), response, { end: false });
  if (bytes === end - first) response.end();
  else response.write("", () => response.destroy());
}

/** RFC 9110 §13.1.5: where If-Range does not hold, all of it is meant. */
function rangeOf(
  headers: IncomingMessage["headers"],
  origin: ObjectOrigin,
): [first: number, end: number] | undefined {
  const ifRange = headers["if-range"];
  const validators = [origin.headers["etag"], origin.headers["last-modified"]];
  if (ifRange !== undefined && !validators.includes(String(ifRange))) return undefined;
  const [, first, last] = /^bytes=(\d*)-(\d*)$/.exec(headers.range ?? "") ?? [];
  if (first === undefined || last === undefined) return undefined;
  const { length } = origin.content;
  if (first === "") return [Math.max(0, length - Number(last)), length];
  return [Number(first), last === "" ? length : Math.min(Number(last) + 1, length)];
}

/** What came of a GET whose content is not collected. */
export interface Checked {
  readonly status: number;
  readonly head: string;
  /** Octets of content, which were all as expected. */
  readonly bytes: number;
  /** The first octet that was another one. */
  readonly wrongAt: number | undefined;
}

/** Reads a response on a connection of its own, and compares its content as it comes. */
export async function check(
  port: number,
  { content, first = 0 }: { readonly content: Content; readonly first?: number },
  ...lines: readonly string[]
): Promise<Checked> {
  const socket = connect({ port, host: "127.0.0.1" });
  const head = ["GET /big HTTP/1.1", `host: ${host}`, "connection: close", ...lines, "", ""];
  socket.write(head.join("\r\n"));
  let received = "";
  let bytes = -1;
  let wrongAt: number | undefined;
  try {
    for await (const chunk of socket as AsyncIterable<Buffer>) {
      let octets = chunk;
      if (bytes < 0) {
        const before = received.length;
        received += chunk.toString("latin1");
        const end = received.indexOf("\r\n\r\n") + 4;
        if (end < 4) continue;
        octets = chunk.subarray(end - before);
        received = received.slice(0, end);
        bytes = 0;
      }
      const expected = content.slice(first + bytes, first + bytes + octets.length);
      if (wrongAt === undefined && !expected.equals(octets)) wrongAt = first + bytes;
      bytes += octets.length;
    }
  } catch {
    // A reset: what came before it is what there is.
  }
  return {
    status: Number(received.slice(9, 12)),
    head: received,
    bytes: Math.max(0, bytes),
    wrongAt,
  };
}

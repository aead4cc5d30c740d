import type { Socket } from "node:net";
import { type Duplex, duplexPair } from "node:stream";
import { type Clock, manualClock } from "#clock.ts";
import type { Ending, Exchange, Serve } from "#edge/exchange.ts";
import { FieldSection } from "#edge/fields.ts";
import type { Reply } from "#edge/reply.ts";
import type { RequestHead } from "#edge/request.ts";
import { Connection } from "#edge/wire/http1/connection.ts";
import type { ConnectionParts } from "#edge/wire/parts.ts";
import { Slabs } from "#edge/wire/slabs.ts";

/** A connection without a network: its peer's end is a stream that the test holds. */
export interface Wire {
  readonly connection: Connection;
  readonly peer: Duplex;
  readonly clock: Clock & { advance(ms: number): void };
  readonly endings: Ending[];
}

/** What a connection needs of its worker. */
export function connectionParts(serve: Serve): ConnectionParts & Pick<Wire, "clock" | "endings"> {
  const clock = manualClock(Date.UTC(2026, 10, 22, 12));
  const endings: Ending[] = [];
  return {
    serve,
    clock,
    stopwatch: clock,
    slabs: new Slabs(),
    observer: { ended: (ending) => void endings.push(ending) },
    endings,
  };
}

/** A connection whose requests `serve` answers. */
export function startWire(serve: Serve): Wire {
  const [end, peer] = duplexPair();
  const socket = Object.assign(end, {
    destroySoon: () => void end.end(() => end.destroy()),
    resetAndDestroy: () => void end.destroy(),
  });
  // As the kernel does: what was written may be overwritten once that is done.
  const write = end._write.bind(end);
  end._write = (chunk: Buffer, encoding, done) => write(Buffer.from(chunk), encoding, done);
  peer.on("error", () => undefined);
  const parts = connectionParts(serve);
  const { clock, endings } = parts;
  const connection = new Connection(socket as unknown as Socket, parts, { address: "192.0.2.1" });
  return { connection, peer, clock, endings };
}

/** A small reply. One to HEAD has its length alone. */
export function replyWith(request: RequestHead, text: string, status = 200): Reply {
  const content = Buffer.from(text, "latin1");
  const nothing = new FieldSection("");
  const reply = {
    status,
    section: nothing,
    own: nothing,
    requestId: "1",
    contentLength: content.length,
    cache: "NONE" as const,
    live: undefined,
  };
  return request.method === "HEAD" ? reply : { ...reply, content };
}

/** Answers each request with what was understood of it, once all of its content is there. */
export function echo(request: RequestHead, exchange: Exchange): void {
  void echoed(request, exchange);
}

async function echoed(request: RequestHead, exchange: Exchange): Promise<void> {
  const parts: Buffer[] = [];
  try {
    for await (const part of exchange.content ?? []) parts.push(part);
  } catch {
    // It broke off, and the wire has said so.
    return;
  }
  const content = Buffer.concat(parts).toString("latin1");
  const trailers = exchange.content?.trailers ?? [];
  const ending = trailers.length === 0 ? "" : ` ${trailers.join("=")}`;
  exchange.respond(replyWith(request, `${request.method} ${request.target} ${content}${ending}`));
}

/** Sends these octets, then the end of them, and answers all that comes back, up to its end. */
export async function converse(
  pieces: readonly (string | Buffer)[],
  serve: Serve = echo,
): Promise<string> {
  const { peer } = startWire(serve);
  const received: Buffer[] = [];
  const ended = new Promise<void>((resolve) => peer.once("close", resolve));
  peer.on("data", (chunk: Buffer) => void received.push(chunk));
  for (const piece of pieces) peer.write(piece, "latin1");
  peer.end();
  await ended;
  // What differs from one time to the next.
  return Buffer.concat(received)
    .toString("latin1")
    .replaceAll(/[\da-f]{8}-[\da-f-]{27}/g, "-");
}

/** What `converse` answered, as one status and content for each reply, interim ones too. */
export function repliesIn(text: string): string[] {
  const replies: string[] = [];
  for (let at = 0; at < text.length; ) {
    const end = text.indexOf("\r\n\r\n", at) + 4;
    const head = text.slice(at, end);
    const length = Number(/^content-length: (\d+)\r$/m.exec(head)?.[1] ?? 0);
    replies.push(`${head.slice(9, 12)} ${text.slice(end, end + length)}`.trim());
    at = end + length;
  }
  return replies;
}

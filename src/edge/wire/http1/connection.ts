import { randomUUID } from "node:crypto";
import type { Socket } from "node:net";
import type { Clock } from "#clock.ts";
import { BodyReader } from "../cache/body-reader.ts";
import {
  HEAD_BYTES_MAX,
  HEAD_TIMEOUT_MS,
  IDLE_TIMEOUT_MS,
  INPUT_BYTES_MAX,
  LINGER_TIMEOUT_MS,
  WRITE_STALL_TIMEOUT_MS,
} from "../limits.ts";
import { type Exchange, errorText, type Reply } from "../reply.ts";
import { ReplyWriter } from "./reply-writer.ts";
import { parseRequestHead, type RequestHead } from "./request-head.ts";

/** What answers requests: once each, now or later. */
type Serve = (request: RequestHead, exchange: Exchange) => void;

/** What every connection shares. */
export interface ConnectionParts {
  readonly serve: Serve;
  readonly clock: Clock;
}

const LF = 0x0a;
const NOTHING = Buffer.alloc(0);
const NEVER = Infinity;

/**
 * One client connection (RFC 9112 §9). Requests are read, served and answered strictly one after
 * another, so that the connection itself is the exchange of the request that is being answered.
 *
 * `reading` until a whole head is there; `answering` until its reply is written; `lingering` when
 * our side has ended and only the peer's end is waited for.
 */
export class Connection implements Exchange {
  readonly #socket: Socket;
  readonly #parts: ConnectionParts;
  readonly #writer: ReplyWriter;
  #phase: "reading" | "answering" | "lingering" | "closed" = "reading";
  #input: Buffer = NOTHING;
  #inputEnded = false;
  #advancing = false;
  #request: RequestHead | undefined;
  /** No request after this one. */
  #last = false;
  #deadline: number;
  #onLeft: (() => void) | undefined;

  constructor(socket: Socket, parts: ConnectionParts) {
    this.#socket = socket;
    this.#parts = parts;
    this.#writer = new ReplyWriter(socket, parts.clock, () => this.#finish());
    this.#deadline = parts.clock.now() + HEAD_TIMEOUT_MS;
    socket.on("data", (chunk: Buffer) => this.#onData(chunk));
    socket.on("drain", () => this.#onDrain());
    socket.on("end", () => this.#onEnd());
    // A reset or a broken pipe: "close" follows, and does what is to be done.
    socket.on("error", () => undefined);
    socket.on("close", () => this.#onClose());
  }

  get left(): boolean {
    return this.#phase === "closed";
  }

  whenLeft(callback: () => void): void {
    this.#onLeft = callback;
  }

  respond(reply: Reply): void {
    if (this.#phase !== "answering") return;
    this.#onLeft = undefined;
    const { content } = reply;
    const http11 = this.#request?.minorVersion === 1;
    const chunked = content !== undefined && !reply.lengthKnown && http11;
    // RFC 9112 §6.3: an HTTP/1.0 client learns the end of such content from the connection's end.
    if (content !== undefined && !reply.lengthKnown && !http11) this.#last = true;
    const framing = chunked ? "transfer-encoding: chunked\r\n" : "";
    const head = reply.head + framing + this.#connectionLines();
    if (content instanceof BodyReader) {
      this.#writer.stream(head, content, { chunked });
      return;
    }
    this.#writer.write(head, content);
    this.#finish();
  }

  /** No further requests: an idle connection ends now, another one after its response. */
  drain(): void {
    this.#last = true;
    if (this.#phase === "reading") this.#end();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  /** Looks at the deadline of what the peer has to do next. */
  expire(now: number): void {
    if (this.#writer.isTooSlow(now)) this.#socket.destroy();
    if (now < this.#deadline) return;
    const lateHead = this.#phase === "reading" && !this.#socket.writableNeedDrain;
    if (!lateHead) this.#socket.destroy();
    else if (this.#input.length === 0) this.#end();
    else this.#refuse(408, "The request head did not come in time.");
  }

  #onData(chunk: Buffer): void {
    if (this.#phase === "lingering") return;
    const began = this.#input.length === 0;
    this.#input = began ? chunk : Buffer.concat([this.#input, chunk]);
    if (this.#phase !== "reading") {
      this.#limitInput();
      return;
    }
    if (began) this.#deadline = this.#now() + HEAD_TIMEOUT_MS;
    // Without a line's end nothing new can be told: a head that trickles in is parsed by the line.
    if (chunk.includes(LF) || this.#input.length >= HEAD_BYTES_MAX) this.#advance();
  }

  #onDrain(): void {
    if (this.#writer.streaming) this.#writer.pump();
    else if (this.#phase === "reading") this.#advance();
  }

  #onEnd(): void {
    this.#inputEnded = true;
    if (this.#phase === "reading") this.#end();
    else if (this.#phase === "lingering") this.#socket.destroySoon();
  }

  #onClose(): void {
    this.#phase = "closed";
    this.#deadline = NEVER;
    this.#writer.close();
    const onLeft = this.#onLeft;
    this.#onLeft = undefined;
    onLeft?.();
  }

  /** Serves what is in the input, as far as it is answered at once; all of it leaves in one write. */
  #advance(): void {
    if (this.#advancing) return;
    this.#advancing = true;
    this.#socket.cork();
    let at = 0;
    while (at < this.#input.length) {
      if (this.#phase !== "reading" || this.#socket.writableNeedDrain) break;
      const parsed = parseRequestHead(this.#input, at);
      if (parsed.kind === "incomplete") break;
      if (parsed.kind === "refused") {
        this.#refuse(parsed.status, parsed.reason);
        break;
      }
      at = parsed.end;
      this.#answer(parsed.head);
    }
    this.#input = at === this.#input.length ? NOTHING : this.#input.subarray(at);
    this.#advancing = false;
    this.#socket.uncork();
    this.#await(at > 0);
  }

  #answer(request: RequestHead): void {
    this.#request = request;
    this.#phase = "answering";
    this.#deadline = NEVER;
    // Content is not read here, so that where the next request begins is not known.
    if (!request.keepAlive || request.hasContent) this.#last = true;
    this.#parts.serve(request, this);
  }

  /** Sets the deadline of what is waited for; a head that trickles in line by line gets no new one. */
  #await(isNewHead: boolean): void {
    if (this.#phase === "answering") {
      this.#limitInput();
      return;
    }
    if (this.#phase !== "reading") return;
    if (this.#inputEnded) {
      this.#end();
    } else if (this.#socket.writableNeedDrain) {
      this.#deadline = this.#now() + WRITE_STALL_TIMEOUT_MS;
      this.#limitInput();
    } else {
      if (this.#input.length === 0) this.#deadline = this.#now() + IDLE_TIMEOUT_MS;
      else if (isNewHead) this.#deadline = this.#now() + HEAD_TIMEOUT_MS;
      this.#socket.resume();
    }
  }

  /** A client that sends on while it is answered waits in its own buffers, not in ours. */
  #limitInput(): void {
    if (this.#input.length >= INPUT_BYTES_MAX) this.#socket.pause();
  }

  /** RFC 9112 §9.6, §9.3: what the client has to know about the connection. */
  #connectionLines(): string {
    if (this.#last) return "connection: close\r\n\r\n";
    return this.#request?.minorVersion === 0 ? "connection: keep-alive\r\n\r\n" : "\r\n";
  }

  /** The reply is written: on to the next request, or to the end. */
  #finish(): void {
    if (this.#last) {
      this.#end();
      return;
    }
    this.#phase = "reading";
    // What came while we were writing may be the beginning of a head.
    this.#deadline = this.#now() + HEAD_TIMEOUT_MS;
    this.#advance();
  }

  #refuse(status: number, reason: string): void {
    this.#last = true;
    const error = { status, reason, requestId: randomUUID(), now: this.#now() };
    const { head, text } = errorText(error);
    this.#writer.write(head + this.#connectionLines(), text);
    this.#end();
  }

  /**
   * RFC 9112 §9.6: our side ends, and what the peer still sends is read and dropped for a while: a
   * close at once would reset the connection, and the reset could overtake our last response.
   */
  #end(): void {
    this.#phase = "lingering";
    this.#input = NOTHING;
    this.#deadline = this.#now() + WRITE_STALL_TIMEOUT_MS;
    this.#socket.resume();
    this.#socket.end(() => {
      if (this.#inputEnded) this.#socket.destroy();
      else this.#deadline = this.#now() + LINGER_TIMEOUT_MS;
    });
  }

  #now(): number {
    return this.#parts.clock.now();
  }
}

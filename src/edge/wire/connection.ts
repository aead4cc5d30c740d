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
  SMALL_BODY_BYTES_MAX,
  WRITE_STALL_TIMEOUT_MS,
} from "../limits.ts";
import { type Exchange, errorText, type Reply } from "../reply.ts";
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
  #phase: "reading" | "answering" | "lingering" | "closed" = "reading";
  #input: Buffer = NOTHING;
  #inputEnded = false;
  #advancing = false;
  #request: RequestHead | undefined;
  #reader: BodyReader | undefined;
  #chunked = false;
  /** No request after this one. */
  #last = false;
  #deadline: number;
  #onLeft: (() => void) | undefined;

  constructor(socket: Socket, parts: ConnectionParts) {
    this.#socket = socket;
    this.#parts = parts;
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
    this.#chunked = content !== undefined && !reply.lengthKnown && http11;
    // RFC 9112 §6.3: an HTTP/1.0 client learns the end of such content from the connection's end.
    if (content !== undefined && !reply.lengthKnown && !http11) this.#last = true;
    const head = reply.head + this.#connectionLines();
    if (content instanceof BodyReader) {
      this.#socket.write(head, "latin1");
      this.#reader = content;
      content.whenReadable(() => this.#pump());
      this.#pump();
      return;
    }
    this.#write(head, content);
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
    if (this.#reader !== undefined) this.#pump();
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
    this.#reader?.close();
    this.#reader = undefined;
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
    while (this.#phase === "reading" && !this.#socket.writableNeedDrain) {
      if (at === this.#input.length) break;
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
    this.#await();
  }

  #answer(request: RequestHead): void {
    this.#request = request;
    this.#phase = "answering";
    this.#deadline = NEVER;
    // Content is not read here, so that where the next request begins is not known.
    if (!request.keepAlive || request.hasContent) this.#last = true;
    this.#parts.serve(request, this);
  }

  /** Sets the deadline of what is waited for between two requests. */
  #await(): void {
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
      const timeout = this.#input.length === 0 ? IDLE_TIMEOUT_MS : HEAD_TIMEOUT_MS;
      this.#deadline = this.#now() + timeout;
      this.#socket.resume();
    }
  }

  /** A client that sends on while it is answered waits in its own buffers, not in ours. */
  #limitInput(): void {
    if (this.#input.length >= INPUT_BYTES_MAX) this.#socket.pause();
  }

  /** RFC 9112 §9.6, §9.3: what the client has to know about the connection and the framing. */
  #connectionLines(): string {
    const framing = this.#chunked ? "transfer-encoding: chunked\r\n" : "";
    if (this.#last) return `${framing}connection: close\r\n\r\n`;
    const http10 = this.#request?.minorVersion === 0;
    return http10 ? `${framing}connection: keep-alive\r\n\r\n` : `${framing}\r\n`;
  }

  #write(head: string, content: Buffer | undefined): void {
    if (content === undefined || content.length === 0) {
      this.#socket.write(head, "latin1");
    } else if (content.length <= SMALL_BODY_BYTES_MAX) {
      const whole = Buffer.allocUnsafe(head.length + content.length);
      whole.write(head, 0, "latin1");
      content.copy(whole, head.length);
      this.#socket.write(whole);
    } else {
      this.#socket.write(head, "latin1");
      this.#socket.write(content);
    }
  }

  /** Writes as long as the socket takes more and the body has more. */
  #pump(): void {
    const reader = this.#reader;
    if (reader === undefined) return;
    while (!this.#socket.writableNeedDrain) {
      const part = reader.read();
      if (part === "pending") {
        this.#deadline = NEVER;
        return;
      }
      if (part === "truncated") {
        // RFC 9112 §8: cut, so that the client cannot take what it has for the whole.
        this.#socket.resetAndDestroy();
        return;
      }
      if (part === "end") {
        if (this.#chunked) this.#socket.write("0\r\n\r\n", "latin1");
        this.#finish();
        return;
      }
      this.#writePart(part);
    }
    this.#deadline = this.#now() + WRITE_STALL_TIMEOUT_MS;
  }

  #writePart(part: Buffer): void {
    if (!this.#chunked) {
      this.#socket.write(part);
      return;
    }
    this.#socket.cork();
    this.#socket.write(`${part.length.toString(16)}\r\n`, "latin1");
    this.#socket.write(part);
    this.#socket.write("\r\n", "latin1");
    this.#socket.uncork();
  }

  /** The reply is written: on to the next request, or to the end. */
  #finish(): void {
    this.#reader?.close();
    this.#reader = undefined;
    if (this.#last) {
      this.#end();
      return;
    }
    this.#phase = "reading";
    this.#advance();
  }

  #refuse(status: number, reason: string): void {
    this.#last = true;
    this.#chunked = false;
    const error = { status, reason, requestId: randomUUID(), now: this.#now() };
    const { head, text } = errorText(error);
    this.#write(head + this.#connectionLines(), text);
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

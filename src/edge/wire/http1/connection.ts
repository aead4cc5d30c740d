import type { Socket } from "node:net";
import { ContentReader } from "../../cache/content-reader.ts";
import type { Client, Exchange } from "../../exchange.ts";
import {
  HEAD_BYTES_MAX,
  HEAD_TIMEOUT_MS,
  IDLE_TIMEOUT_MS,
  KNOWN_BLOCK_BYTES_MAX,
  LINGER_TIMEOUT_MS,
  WRITE_STALL_TIMEOUT_MS,
} from "../../limits.ts";
import { discardReply, type Reply, refusalReply } from "../../reply.ts";
import { type RequestHead, UNREADABLE } from "../../request.ts";
import type { RequestContent } from "../../request-content.ts";
import { Output } from "../output.ts";
import type { ConnectionParts, WireConnection } from "../parts.ts";
import { readFrom } from "../reads.ts";
import { ContentIntake } from "./content-intake.ts";
import { Input } from "./input.ts";
import { type ReplyTerms, ReplyWriter } from "./reply-writer.ts";
import { type FieldBlock, type Http1RequestHead, parseRequestHead } from "./request-head.ts";

const LF = 0x0a;
const UNREADABLE_REQUEST: RequestHead = { version: "HTTP/1.1", ...UNREADABLE };

/**
 * One client connection of HTTP/1.x (RFC 9112 §9). Requests are read, served and answered strictly
 * one after another, so that the connection itself is the exchange of the request in hand.
 *
 * `reading` until a whole head is there; `answering` until it has a reply; `writing` until that is
 * out; `lingering` when our side has ended and only the peer's end is waited for.
 */
export class Connection implements Exchange, WireConnection {
  readonly client: Client;
  readonly #socket: Socket;
  readonly #parts: ConnectionParts;
  readonly #output: Output;
  readonly #writer: ReplyWriter;
  #phase: "reading" | "answering" | "writing" | "lingering" | "closed" = "reading";
  readonly #input = new Input();
  #inputEnded = false;
  #advancing = false;
  #request: RequestHead | undefined;
  #reply: Reply | undefined;
  #intake: ContentIntake | undefined;
  #block: FieldBlock | undefined;
  #startedAt = 0;
  /** No request after this one. */
  #last = false;
  #deadline: number;
  #onLeft: (() => void) | undefined;

  /** `received` was read before it was known which version of HTTP this is. */
  constructor(socket: Socket, parts: ConnectionParts, client: Client, received?: Buffer) {
    this.client = client;
    this.#socket = socket;
    this.#parts = parts;
    this.#output = new Output(socket, parts.slabs);
    this.#writer = new ReplyWriter(socket, this.#output, parts, () => this.#replied(true));
    this.#deadline = parts.clock.now() + HEAD_TIMEOUT_MS;
    readFrom(socket, (octets) => this.#onData(octets));
    socket.on("drain", () => this.#onDrain());
    socket.on("end", () => this.#onEnd());
    // A reset or a broken pipe: "close" follows, and does what is to be done.
    socket.on("error", () => undefined);
    socket.on("close", () => this.#onClose());
    if (received !== undefined) this.#onData(received);
  }

  get content(): RequestContent | undefined {
    return this.#intake?.content;
  }

  get left(): boolean {
    return this.#phase === "closed" || this.#phase === "lingering";
  }

  whenLeft(callback: () => void): void {
    this.#onLeft = callback;
  }

  inform(status: number, fields: readonly string[]): void {
    // RFC 9110 §15.2: an HTTP/1.0 client does not know what they are.
    if (this.#phase !== "answering" || this.#request?.version !== "HTTP/1.1") return;
    this.#writer.inform(status, fields);
    if (!this.#advancing) this.#output.flush();
  }

  respond(reply: Reply): void {
    if (this.#phase !== "answering") return discardReply(reply);
    this.#phase = "writing";
    this.#onLeft = undefined;
    this.#reply = reply;
    // Where the next request begins is not known before all of this one has come.
    if (this.#intake?.isWhole === false) this.#last = true;
    const unframed = reply.content instanceof ContentReader && reply.contentLength === undefined;
    const chunked = unframed && this.#request?.version === "HTTP/1.1";
    // RFC 9112 §6.3: an HTTP/1.0 client learns the end of such content from the connection's end.
    if (unframed && !chunked) this.#last = true;
    const whole = this.#writer.write(reply, this.#terms(chunked));
    if (!this.#advancing) this.#output.flush();
    if (whole) this.#replied(true);
  }

  drain(): void {
    this.#last = true;
    if (this.#phase === "reading") this.#end();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  expire(now: number): void {
    if (this.#writer.isTooSlow(now)) this.#socket.destroy();
    if (this.#phase === "answering" && this.#intake?.isLate(now) === true) {
      this.#refuse(408, "The request content did not come in time.");
    }
    if (now < this.#deadline) return;
    if (this.#phase !== "reading") this.#socket.destroy();
    else if (this.#input.isEmpty) this.#end();
    else this.#refuse(408, "The request head did not come in time.");
  }

  #onData(chunk: Buffer): void {
    if (this.#phase === "lingering") return;
    const began = this.#input.isEmpty;
    this.#input.borrow(chunk);
    if (this.#phase !== "reading") {
      this.#takeContent();
      // What a decoder waits to have more of is bounded by the decoder.
      if (this.#input.isFull && this.#intake?.isWhole !== false) this.#socket.pause();
      return;
    }
    this.#startedAt = this.#parts.stopwatch.now();
    // A head that trickles in is parsed by the line: without a line's end nothing new can be told.
    const isNews = began || chunk.includes(LF) || this.#input.bytes.length >= HEAD_BYTES_MAX;
    if (isNews) this.#advance(began);
    else this.#await(began);
    this.#input.own();
  }

  #onDrain(): void {
    if (this.#writer.streaming) this.#writer.pump();
    else if (this.#phase === "reading") this.#advance(true);
  }

  #onEnd(): void {
    this.#inputEnded = true;
    if (this.#phase === "reading") this.#await(false);
    else if (this.#phase === "lingering") this.#socket.destroySoon();
    else if (this.#intake?.isWhole === false) this.#badContent("it was cut short");
  }

  #onClose(): void {
    const cut = this.#phase === "writing";
    this.#phase = "closed";
    this.#deadline = Infinity;
    if (cut) this.#observe(false);
    this.#writer.close();
    this.#leave("the client left");
  }

  /** Nobody waits for a reply any more. */
  #leave(reason: string): void {
    this.#intake?.content.break(reason);
    this.#onLeft?.();
    this.#onLeft = undefined;
  }

  /** Serves what is in the input, as far as it is answered at once; all of it leaves in one write. */
  #advance(isNewHead: boolean): void {
    if (this.#advancing) return;
    this.#advancing = true;
    let isNew = isNewHead;
    while (this.#phase === "reading" && !this.#input.isEmpty && !this.#output.isFull) {
      const parsed = parseRequestHead(this.#input.bytes, 0, this.#block);
      if (parsed.kind === "incomplete") break;
      if (parsed.kind === "refused") {
        this.#refuse(parsed.status, parsed.reason);
        break;
      }
      isNew = true;
      this.#input.drop(parsed.end);
      this.#answer(parsed.head);
    }
    this.#advancing = false;
    this.#output.flush();
    this.#await(isNew);
  }

  #answer(request: Http1RequestHead): void {
    this.#request = request;
    this.#block = request.block.text.length <= KNOWN_BLOCK_BYTES_MAX ? request.block : undefined;
    this.#phase = "answering";
    this.#deadline = Infinity;
    if (!request.keepAlive) this.#last = true;
    if (request.contentLength !== 0 && !this.#beginContent(request)) return;
    this.#parts.serve(request, this);
  }

  /** What came of it with the head is taken at once: most content is whole before it is wanted. */
  #beginContent(request: Http1RequestHead): boolean {
    this.#intake = new ContentIntake(request.contentLength, this.#parts.clock.now(), {
      wanted: () => {
        if (request.expectsContinue) this.inform(100, []);
      },
      room: () => this.#socket.resume(),
    });
    this.#takeContent();
    return this.#phase === "answering";
  }

  #takeContent(): void {
    this.#input.own();
    const intake = this.#intake;
    if (intake === undefined || intake.isWhole) return;
    const decoded = intake.take(this.#input.bytes, 0);
    if (decoded.kind === "malformed") return this.#badContent(decoded.reason);
    this.#input.drop(decoded.at);
    if (intake.isFull) this.#socket.pause();
  }

  /** Nothing of such a request is to be believed, and where it ends is not known. */
  #badContent(reason: string): void {
    if (this.#phase === "answering") {
      this.#refuse(400, `The request content cannot be read: ${reason}.`);
    } else {
      // The reply did not wait for it, and is the last of this connection.
      this.#intake?.content.break(reason);
      this.#intake = undefined;
    }
  }

  /** Sets the deadline of what is waited for; a head that trickles in line by line gets no new one. */
  #await(isNewHead: boolean): void {
    const waits = this.#phase !== "reading" || this.#output.isFull;
    if (waits && this.#input.isFull) this.#socket.pause();
    if (this.#phase !== "reading") return;
    if (this.#output.isFull) {
      this.#deadline = Infinity;
    } else if (this.#inputEnded) {
      this.#end();
    } else {
      if (this.#input.isEmpty) this.#deadline = this.#parts.clock.now() + IDLE_TIMEOUT_MS;
      else if (isNewHead) this.#deadline = this.#parts.clock.now() + HEAD_TIMEOUT_MS;
      if (this.#socket.isPaused()) this.#socket.resume();
    }
  }

  #terms(chunked: boolean): ReplyTerms {
    return { chunked, last: this.#last, version: this.#request?.version };
  }

  /** The reply is out: on to the next request, or to the end. */
  #replied(whole: boolean): void {
    this.#observe(whole);
    this.#intake?.content.break("it was answered before its end");
    this.#intake = undefined;
    if (this.#last) return this.#end();
    this.#phase = "reading";
    // What came while we were writing may be the beginning of a head.
    this.#advance(true);
  }

  #observe(whole: boolean): void {
    const [client, request, reply] = [this.client, this.#request, this.#reply];
    if (request === undefined || reply === undefined) return;
    // An idle connection keeps alive no body that is not on the budget any more.
    this.#reply = undefined;
    const [tookMs, { sentBytes }] = [this.#parts.stopwatch.now() - this.#startedAt, this.#writer];
    this.#parts.observer.ended({ client, request, reply, sentBytes, whole, tookMs });
  }

  #refuse(status: number, reason: string): void {
    if (this.#phase === "reading") this.#request = UNREADABLE_REQUEST;
    this.#last = true;
    this.#leave(reason);
    this.#reply = refusalReply(status, reason, this.#parts.clock.now());
    this.#writer.write(this.#reply, this.#terms(false));
    this.#observe(true);
    this.#end();
  }

  /**
   * RFC 9112 §9.6: our side ends, and what the peer still sends is read and dropped for a while: a
   * close at once would reset the connection, and the reset could overtake our last response.
   */
  #end(): void {
    this.#phase = "lingering";
    this.#input.clear();
    this.#deadline = this.#parts.clock.now() + WRITE_STALL_TIMEOUT_MS;
    this.#output.flush();
    this.#socket.resume();
    this.#socket.end(() => {
      if (this.#inputEnded) this.#socket.destroy();
      else this.#deadline = this.#parts.clock.now() + LINGER_TIMEOUT_MS;
    });
  }
}

import type { ContentReader } from "../../cache/content-reader.ts";
import type { Client, Ending, Exchange } from "../../exchange.ts";
import { discardReply, type Reply } from "../../reply.ts";
import { type RequestHead, UNREADABLE } from "../../request.ts";
import type { RequestContent } from "../../request-content.ts";
import { WINDOW_BYTES_MAX } from "./frames.ts";
import type { IncomingContent } from "./incoming-content.ts";
import { OutgoingContent } from "./outgoing-content.ts";

const UNREADABLE_REQUEST: RequestHead = { version: "HTTP/2.0", ...UNREADABLE };

/** What sends the responses of a connection's streams. */
export interface Responder {
  respond(stream: Stream, reply: Reply): void;
  inform(stream: Stream, status: number, fields: readonly string[]): void;
}

/** What a stream begins with. */
export interface StreamParts {
  readonly id: number;
  readonly client: Client;
  /** Absent where the wire itself answers: nobody was asked. */
  readonly request: RequestHead | undefined;
  /** Absent where END_STREAM came with the head. */
  readonly incoming: IncomingContent | undefined;
  /** By the stopwatch. */
  readonly startedAt: number;
  readonly sendWindowBytes: number;
}

/**
 * One stream (RFC 9113 §5.1), which is one request and its response. It is open as long as its
 * connection keeps it; half-closed (remote) once `isReceiving` is false.
 */
export class Stream implements Exchange {
  readonly id: number;
  readonly client: Client;
  readonly incoming: IncomingContent | undefined;
  readonly #request: RequestHead | undefined;
  readonly #startedAt: number;
  readonly #responder: Responder;
  #sendWindowBytes: number;
  #reply: Reply | undefined;
  #outgoing: OutgoingContent | undefined;
  #sentBytes = 0;
  #complete = false;
  #left = false;
  #onLeft: (() => void) | undefined;

  constructor(parts: StreamParts, responder: Responder) {
    this.id = parts.id;
    this.client = parts.client;
    this.incoming = parts.incoming;
    this.#request = parts.request;
    this.#startedAt = parts.startedAt;
    this.#sendWindowBytes = parts.sendWindowBytes;
    this.#responder = responder;
  }

  get content(): RequestContent | undefined {
    // A length of 0 says the same as END_STREAM would have.
    return this.#request?.contentLength === 0 ? undefined : this.incoming?.content;
  }

  get left(): boolean {
    return this.#left;
  }

  /** What of the response has no place on the wire yet. */
  get outgoing(): OutgoingContent | undefined {
    return this.#outgoing;
  }

  get sentBytes(): number {
    return this.#sentBytes;
  }

  /** Whether all of the response, END_STREAM included, is on its way. */
  get isComplete(): boolean {
    return this.#complete;
  }

  /** Whether the request's content has not come to its end. */
  get isReceiving(): boolean {
    return this.incoming?.isEnded === false;
  }

  /** What the peer lets this stream send. It can be negative (RFC 9113 §6.9.2). */
  get sendWindowBytes(): number {
    return this.#sendWindowBytes;
  }

  whenLeft(callback: () => void): void {
    if (this.#reply === undefined) this.#onLeft = callback;
  }

  inform(status: number, fields: readonly string[]): void {
    if (!this.#left && this.#reply === undefined) this.#responder.inform(this, status, fields);
  }

  respond(reply: Reply): void {
    if (this.#left || this.#reply !== undefined) return discardReply(reply);
    this.#reply = reply;
    this.#onLeft = undefined;
    this.#responder.respond(this, reply);
  }

  /** Answers false where the window would be above its bound (RFC 9113 §6.9.1). */
  moveSendWindow(bytes: number): boolean {
    this.#sendWindowBytes += bytes;
    return this.#sendWindowBytes <= WINDOW_BYTES_MAX;
  }

  /** Octets of content were put on the wire. */
  noteSent(bytes: number): void {
    this.#sendWindowBytes -= bytes;
    this.#sentBytes += bytes;
  }

  /** The content of the reply will be sent as it can be. */
  hold(content: Buffer | ContentReader): OutgoingContent {
    this.#outgoing = new OutgoingContent(content);
    return this.#outgoing;
  }

  /** END_STREAM was put on the wire. */
  complete(): void {
    this.#complete = true;
    this.#outgoing?.close();
    this.#outgoing = undefined;
    this.incoming?.close("it was answered before its end");
  }

  /** The stream was reset by either side, or the connection is gone. */
  leave(reason: string): void {
    this.#left = true;
    this.#outgoing?.close();
    this.#outgoing = undefined;
    this.incoming?.close(reason);
    const onLeft = this.#onLeft;
    this.#onLeft = undefined;
    onLeft?.();
  }

  /** How the exchange ended; `undefined` where there was no reply. */
  ending(now: number): Ending | undefined {
    if (this.#reply === undefined) return undefined;
    return {
      client: this.client,
      request: this.#request ?? UNREADABLE_REQUEST,
      reply: this.#reply,
      sentBytes: this.#sentBytes,
      whole: this.#complete,
      tookMs: now - this.#startedAt,
    };
  }
}

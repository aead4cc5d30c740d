import type { Socket } from "node:net";
import { Input } from "../wire/http1/input.ts";
import type { ConnectionEvents } from "./connector.ts";
import { type ContentSink, type OutgoingContent, sendContent } from "./content-sender.ts";
import { AnswerBroken, ConnectionLost, OriginSilent } from "./fetch-failure.ts";
import { idleTimeMs } from "./idle-time.ts";
import type { FetchConnection, OriginFetch } from "./origin-fetch.ts";
import { ReceivedBody } from "./received-body.ts";
import { parseReceivedHead, type ReceivedHead } from "./received-head.ts";

/** A request that is ready to be written. */
export interface OutgoingRequest {
  /** Its head, one octet a character. */
  readonly text: string;
  /** Whether the response has no body, whatever it says (RFC 9112 §6.3). */
  readonly isHead: boolean;
  readonly content?: OutgoingContent | undefined;
}

/** What a connection may take. */
export interface ConnectionLimits {
  readonly headBytesMax: number;
  readonly connectTimeoutMs: number;
  /** From the request to the head, and between interim responses. */
  readonly headTimeoutMs: number;
  /** Between two reads of a body that is not held back. */
  readonly bodyIdleTimeoutMs: number;
  /** In the pool, where the origin does not say how long it waits. */
  readonly idleTimeoutMs: number;
}

/** Who keeps connections, and looks at their deadlines. */
export interface ConnectionKeeper {
  readonly limits: ConnectionLimits;
  /** The turn in which so much time will have passed. */
  turnAfter(ms: number): number;
  /** Called when it can be used again. */
  idle(connection: OriginConnection): void;
  /** Called once. */
  closed(connection: OriginConnection): void;
}

const LF = 0x0a;

/**
 * One connection to an origin (RFC 9112 §9). `connecting`, with its first fetch waiting; `head` until a
 * whole final head is there; `body` until all of it has come; `idle` between fetches, of which there is
 * one at a time.
 */
export class OriginConnection implements FetchConnection, ConnectionEvents, ContentSink {
  readonly origin: string;
  readonly #keeper: ConnectionKeeper;
  #socket: Socket | undefined;
  #phase: "connecting" | "head" | "body" | "idle" | "closed" = "connecting";
  #fetch: OriginFetch | undefined;
  #request: OutgoingRequest | undefined;
  /** Of the response whose body comes. */
  #head: ReceivedHead | undefined;
  #body: ReceivedBody | undefined;
  readonly #input = new Input();
  #isHeld = false;
  #isSending = false;
  #deadline = Infinity;
  /** To be called when there is room for more content. */
  #onRoom: (() => void) | undefined;

  constructor(origin: string, keeper: ConnectionKeeper) {
    this.origin = origin;
    this.#keeper = keeper;
  }

  get isOpen(): boolean {
    return this.#phase !== "closed";
  }

  /** The socket that is to be connected, or why there is none. */
  begin(socket: Socket | Error): void {
    this.#deadline = this.#keeper.turnAfter(this.#keeper.limits.connectTimeoutMs);
    if (socket instanceof Error) return this.abort(socket);
    this.#socket = socket;
    socket.on("drain", () => this.#wakeSender());
    socket.on("end", () => this.#ended());
    socket.on("error", (error) => this.#lost(error));
    socket.on("close", () => this.#lost());
    if (this.#phase === "closed") socket.destroy();
  }

  /** Makes a request, at once or when it is connected; all else the fetch is told. */
  ask(request: OutgoingRequest, fetch: OriginFetch): void {
    const isPooled = this.#phase === "idle";
    this.#request = request;
    this.#fetch = fetch;
    if (isPooled) {
      this.#phase = "head";
      this.#socket?.ref();
    }
    fetch.takes(this, isPooled);
    if (isPooled && this.#fetch === fetch) this.#send(request, fetch);
  }

  connected(): void {
    if (this.#phase !== "connecting") return;
    this.#phase = "head";
    const [request, fetch] = [this.#request, this.#fetch];
    if (request !== undefined && fetch !== undefined) this.#send(request, fetch);
  }

  received(octets: Buffer): void {
    if (this.#phase === "head") {
      this.#fetch?.answered();
      this.#input.borrow(octets);
      // A head that trickles in is parsed by the line: without a line's end nothing new can be told.
      const isNews = this.#input.bytes.length === octets.length || octets.includes(LF);
      if (isNews || this.#input.bytes.length >= this.#keeper.limits.headBytesMax) this.#readHeads();
      this.#input.own();
    } else if (this.#phase === "body") {
      this.#readBody(octets);
    } else {
      // Nobody has asked for it: what it would be taken for is the answer to the next request.
      this.#close();
    }
  }

  pause(): void {
    this.#isHeld = true;
    this.#socket?.pause();
  }

  resume(): void {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    this.#deadline = this.#keeper.turnAfter(this.#keeper.limits.bodyIdleTimeoutMs);
    this.#socket?.resume();
  }

  abort(error: Error): void {
    const fetch = this.#fetch;
    this.#close();
    fetch?.fail(error);
  }

  /** Looks at the deadline of what the origin has to do next. */
  expire(turn: number): void {
    if (turn < this.#deadline || this.#isHeld) return;
    if (this.#phase === "idle") this.#close();
    else this.abort(new OriginSilent(WAITED_FOR[this.#phase]));
  }

  write(parts: readonly (Buffer | string)[]): void {
    const socket = this.#socket;
    if (socket === undefined) return;
    socket.cork();
    for (const part of parts) {
      if (typeof part === "string") socket.write(part, "latin1");
      else socket.write(part);
    }
    socket.uncork();
  }

  async room(): Promise<void> {
    while (this.isOpen && this.#socket?.writableNeedDrain === true) {
      this.#awaitHead(this.#keeper.limits.headTimeoutMs);
      await new Promise<void>((resolve) => {
        this.#onRoom = resolve;
      });
    }
    // Now the client has to bring more, for which it has deadlines of its own.
    this.#awaitHead(Infinity);
  }

  #send(request: OutgoingRequest, fetch: OriginFetch): void {
    fetch.sent();
    this.#socket?.write(request.text, "latin1");
    this.#awaitHead(this.#keeper.limits.headTimeoutMs);
    if (request.content !== undefined) void this.#sendContent(request.content, fetch);
  }

  async #sendContent(content: OutgoingContent, fetch: OriginFetch): Promise<void> {
    this.#isSending = true;
    this.#awaitHead(Infinity);
    let fault = new Error("the request content is not as long as its head said");
    let isWhole = false;
    try {
      isWhole = await sendContent(content, this);
    } catch (error) {
      if (error instanceof Error) fault = error;
    }
    if (this.#fetch !== fetch) return;
    // The origin must not take what there is of it for the whole.
    if (!isWhole) return this.abort(fault);
    this.#isSending = false;
    this.#awaitHead(this.#keeper.limits.headTimeoutMs);
  }

  #awaitHead(ms: number): void {
    if (this.#phase === "head") this.#deadline = this.#keeper.turnAfter(ms);
  }

  #readHeads(): void {
    while (this.#phase === "head" && !this.#input.isEmpty) {
      const parsed = parseReceivedHead(this.#input.bytes, 0, this.#keeper.limits.headBytesMax);
      if (parsed.kind === "incomplete") return;
      if (parsed.kind === "malformed") return this.abort(new AnswerBroken(parsed.reason));
      this.#input.drop(parsed.end);
      const { head } = parsed;
      if (head.status < 100 || head.status >= 200) return this.#beginBody(head);
      if (!this.#isSending) this.#awaitHead(this.#keeper.limits.headTimeoutMs);
      this.#fetch?.inform(head);
    }
  }

  #beginBody(head: ReceivedHead): void {
    this.#phase = "body";
    this.#deadline = this.#keeper.turnAfter(this.#keeper.limits.bodyIdleTimeoutMs);
    this.#head = head;
    const hasBody = this.#request?.isHead === false && head.status !== 204 && head.status !== 304;
    const length = hasBody ? head.length : 0;
    this.#body = new ReceivedBody(length);
    this.#fetch?.begin(head);
    const rest = this.#input.bytes;
    this.#input.clear();
    if (rest.length > 0 || length === 0) this.#readBody(rest);
  }

  #readBody(octets: Buffer): void {
    const [fetch, body] = [this.#fetch, this.#body];
    if (fetch === undefined || body === undefined) return;
    this.#deadline = this.#keeper.turnAfter(this.#keeper.limits.bodyIdleTimeoutMs);
    const progress = body.read(octets, fetch);
    // Who takes it may have given it up, and the connection with it.
    if (this.#fetch !== fetch || progress.kind === "more") return;
    if (progress.kind === "malformed") return this.abort(new AnswerBroken(progress.reason));
    this.#finish(fetch, progress.isExact, progress.trailers);
  }

  /** All has come. The connection is ready for another fetch before this one's reader is told. */
  #finish(fetch: OriginFetch, isExact: boolean, trailers: readonly string[]): void {
    const head = this.#head;
    this.#head = undefined;
    this.#body = undefined;
    const mayGoOn = isExact && !this.#isSending && head !== undefined;
    const idleMs = mayGoOn ? idleTimeMs(head, this.#keeper.limits.idleTimeoutMs) : 0;
    if (idleMs > 0) {
      this.#phase = "idle";
      this.#fetch = undefined;
      this.#request = undefined;
      this.#deadline = this.#keeper.turnAfter(idleMs);
      if (this.#isHeld) this.#socket?.resume();
      this.#isHeld = false;
      this.#socket?.unref();
      this.#keeper.idle(this);
    } else {
      this.#close();
    }
    fetch.end(trailers);
  }

  /** The origin has ended its side. RFC 9112 §6.3: some bodies end so. */
  #ended(): void {
    const fetch = this.#fetch;
    if (this.#body?.isDelimitedByClose !== true || fetch === undefined) return this.#lost();
    this.#close();
    fetch.end([]);
  }

  /** §8: whatever had come is not the whole. */
  #lost(cause?: Error): void {
    if (this.#phase === "closed") return;
    const isMade = this.#phase !== "connecting";
    this.abort(isMade || cause === undefined ? new ConnectionLost(cause) : cause);
  }

  #close(): void {
    if (this.#phase === "closed") return;
    this.#phase = "closed";
    this.#fetch = undefined;
    this.#input.clear();
    this.#socket?.destroy();
    this.#wakeSender();
    this.#keeper.closed(this);
  }

  #wakeSender(): void {
    const wake = this.#onRoom;
    this.#onRoom = undefined;
    wake?.();
  }
}

const WAITED_FOR = {
  connecting: "the connection",
  head: "the response head",
  body: "the rest of the body",
  closed: "nothing",
} as const;

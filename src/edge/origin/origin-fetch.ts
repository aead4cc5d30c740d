import type { Clock } from "#clock.ts";
import { ownedBytes } from "../cache/owned.ts";
import {
  ORIGIN_AHEAD_BYTES_MAX,
  ORIGIN_DISCARDED_BYTES_MAX,
  ORIGIN_INTERIM_MAX,
} from "../limits.ts";
import { endToEndFields } from "../response-head.ts";
import { BodyPace } from "./body-pace.ts";
import { AnswerBroken, brokenOff } from "./fetch-failure.ts";
import type { BodySink, OriginBody, OriginRequest } from "./origin.ts";
import type { BodyTaker } from "./received-body.ts";
import type { ReceivedHead } from "./received-head.ts";
import { trailerFields } from "./trailer-fields.ts";

/** What a fetch is made with. */
export interface FetchTerms {
  /** Told of what comes before the head, and of what becomes of the body. */
  readonly request: Pick<OriginRequest, "informed" | "brokeOff">;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  /** Whether a body has to keep a pace: a store's does, an event stream need not. */
  readonly isPaced: boolean;
  /** Called once after a head has come, when the connection is not used for it any more. */
  readonly closed: () => void;
}

/** The connection that a fetch goes over, as far as the fetch has to do with it. */
export interface FetchConnection {
  /** Nothing more is to be read until `resume`. */
  pause(): void;
  resume(): void;
  /** Ends the fetch by this error, and the connection with it. */
  abort(error: Error): void;
}

const WRONG_LENGTH = "the body is not as long as its head said";

/** The reader of a body that nobody wants. */
const NOBODY: BodySink = { chunk: () => true, end: () => undefined, fail: () => undefined };

/**
 * One request on one connection, and what comes back: what its connection tells and the body's other
 * side in one object, because a fetch is made of nothing else.
 */
export class OriginFetch implements OriginBody, BodyTaker {
  /** Or why there was none. */
  readonly head: Promise<ReceivedHead | Error>;
  readonly #terms: FetchTerms;
  readonly #resolve: (head: ReceivedHead | Error) => void;
  /** Until the end of its use for this fetch. */
  #connection: FetchConnection | undefined;
  #isSent = false;
  #isPooled = false;
  /** Its first octet has come, and then its head. */
  #isAnswered = false;
  #hasHead = false;
  #interims = 0;
  #sink: BodySink | undefined;
  /** What came before anyone read, or while the reader took no more. */
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #isHeldBack = false;
  #state: "flowing" | "whole" | "broken" = "flowing";
  #isGivenUp = false;
  #isToldEnd = false;
  #trailers: readonly string[] = [];
  #bytes = 0;
  #bytesExpected: number | undefined;
  readonly #pace: BodyPace | undefined;

  constructor(terms: FetchTerms) {
    this.#terms = terms;
    this.#pace = terms.isPaced ? new BodyPace() : undefined;
    const { promise, resolve } = Promise.withResolvers<ReceivedHead | Error>();
    this.head = promise;
    this.#resolve = resolve;
    terms.signal.addEventListener("abort", this);
  }

  /** Whether its body may still come. */
  get isOpen(): boolean {
    return this.#state === "flowing";
  }

  /** Whether there was a connection to write to. */
  get isSent(): boolean {
    return this.#isSent;
  }

  /**
   * Whether the connection had waited in the pool, and brought nothing at all: the origin had closed
   * it, and another one may do.
   */
  get wasStale(): boolean {
    return this.#isPooled && !this.#isAnswered;
  }

  /** The signal has aborted. */
  handleEvent(): void {
    this.giveUp("nobody waits for it any more");
  }

  /** Ends the fetch, and its connection unless all has come. */
  giveUp(reason: string): void {
    this.#isGivenUp = true;
    this.#connection?.abort(new AnswerBroken(reason));
  }

  /** What the body has to come to, where its framing does not tell. */
  expect(bytes: number): void {
    this.#bytesExpected = bytes;
    if (this.#state === "flowing") {
      if (this.#bytes > bytes) this.#breakOff(WRONG_LENGTH);
    } else if (this.#state === "whole" && this.#bytes !== bytes) {
      this.#state = "broken";
      this.#waiting = [];
      this.#tellBroken(new AnswerBroken(WRONG_LENGTH));
    }
  }

  read(sink: BodySink): void {
    this.#sink = sink;
    this.#flow();
  }

  resume(): void {
    // Later: a reader need not be ready for more within its own call.
    queueMicrotask(() => {
      this.#isHeldBack = false;
      this.#flow();
    });
  }

  /** A little is read on, so that the connection can be used again. */
  discard(): void {
    this.#isGivenUp = true;
    this.#waiting = [];
    this.#bytesExpected = this.#bytes + ORIGIN_DISCARDED_BYTES_MAX;
    this.#sink = NOBODY;
    this.resume();
  }

  /** It goes over this connection, made for it or taken from the pool. */
  takes(connection: FetchConnection, isPooled: boolean): void {
    this.#connection = connection;
    this.#isPooled = isPooled;
    if (this.#terms.signal.aborted) this.handleEvent();
  }

  /** The connection is there, and the request is written to it. */
  sent(): void {
    this.#isSent = true;
  }

  /** Octets have come, whatever they are. */
  answered(): void {
    this.#isAnswered = true;
  }

  /** An interim response has come; it may end the fetch. */
  inform({ status, fields }: ReceivedHead): void {
    this.#interims += 1;
    // RFC 9110 §15.2.2: no request of ours has an Upgrade field.
    if (status === 101) return this.giveUp("a change of protocol that nobody asked for");
    if (this.#interims > ORIGIN_INTERIM_MAX) return this.giveUp("too many interim responses");
    // RFC 9110 §15.2.1: a 100 tells only whoever asked for it, which is nobody.
    if (status !== 100) this.#terms.request.informed(status, endToEndFields(fields));
  }

  begin(head: ReceivedHead): void {
    this.#hasHead = true;
    this.#resolve(head);
  }

  /** Octets of the body, which are copied if they have to wait. */
  take(chunk: Buffer): void {
    this.#bytes += chunk.length;
    if (this.#bytes > (this.#bytesExpected ?? Infinity)) return this.#breakOff(WRONG_LENGTH);
    const isTooSlow = this.#pace?.isTooSlow(this.#bytes, this.#terms.clock.now()) ?? false;
    if (isTooSlow) return this.#breakOff("the body is too slow");
    const sink = this.#sink;
    if (sink !== undefined && !this.#isHeldBack) {
      if (!sink.chunk(chunk)) this.#holdBack();
      return;
    }
    this.#waiting.push(ownedBytes(chunk));
    this.#waitingBytes += chunk.length;
    if (this.#waitingBytes >= ORIGIN_AHEAD_BYTES_MAX) this.#pause();
  }

  /** All has come; the connection is another's from here on. */
  end(trailers: readonly string[]): void {
    this.#trailers = trailerFields(trailers);
    const isShort = this.#bytes < (this.#bytesExpected ?? 0) && !this.#isGivenUp;
    this.#close(isShort ? new AnswerBroken(WRONG_LENGTH) : undefined);
  }

  /** No more will come. */
  fail(error: Error): void {
    this.#resolve(error);
    this.#close(error);
  }

  /** Hands over what waits, then lets more come, or tells the end. */
  #flow(): void {
    const sink = this.#sink;
    if (sink === undefined) return;
    while (!this.#isHeldBack) {
      const chunk = this.#waiting.shift();
      if (chunk === undefined) {
        if (this.#state === "flowing") this.#connection?.resume();
        else this.#tellEnd(sink);
        return;
      }
      this.#waitingBytes -= chunk.length;
      if (!sink.chunk(chunk)) this.#holdBack();
    }
  }

  #holdBack(): void {
    this.#isHeldBack = true;
    this.#pause();
  }

  #pause(): void {
    this.#pace?.hold();
    this.#connection?.pause();
  }

  #tellEnd(sink: BodySink): void {
    if (this.#isToldEnd) return;
    this.#isToldEnd = true;
    if (this.#state === "whole") sink.end(this.#trailers);
    else sink.fail();
  }

  /** What we gave up is no failure of the origin's. */
  #tellBroken(cause: Error): void {
    if (!this.#isGivenUp) this.#terms.request.brokeOff?.(brokenOff(cause));
  }

  #breakOff(reason: string): void {
    this.#connection?.abort(new AnswerBroken(reason));
  }

  #close(error: Error | undefined): void {
    if (this.#state !== "flowing") return;
    this.#state = error === undefined ? "whole" : "broken";
    this.#connection = undefined;
    this.#terms.signal.removeEventListener("abort", this);
    if (!this.#hasHead) return;
    if (error !== undefined) this.#tellBroken(error);
    this.#terms.closed();
    if (error === undefined) return this.#flow();
    if (this.#sink === undefined) return;
    // What is broken need not be read to where it broke.
    this.#waiting = [];
    this.#tellEnd(this.#sink);
  }
}

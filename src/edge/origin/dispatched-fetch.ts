import type { Dispatcher } from "undici";
import type { Clock } from "#clock.ts";
import { fieldOf } from "../fields.ts";
import {
  ORIGIN_AHEAD_BYTES_MAX,
  ORIGIN_DISCARDED_BYTES_MAX,
  ORIGIN_FIELD_LINES_MAX,
  ORIGIN_INTERIM_MAX,
} from "../limits.ts";
import { endToEndFields } from "../response-head.ts";
import { BodyPace } from "./body-pace.ts";
import type { OriginConnector } from "./connector.ts";
import { AnswerBroken, brokenOff } from "./fetch-failure.ts";
import type { BodySink, OriginBody, OriginRequest } from "./origin.ts";
import { trailerFields } from "./trailer-fields.ts";

/** A head as it came over the wire: names in lower case and values, alternating. */
export interface ReceivedHead {
  readonly status: number;
  readonly fields: readonly string[];
}

/** What a fetch is made with. */
export interface FetchTerms {
  /** Told of what comes before the head, and of what becomes of the body. */
  readonly request: Pick<OriginRequest, "informed" | "brokeOff">;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  /** Knows whether the connection that is written to was made a moment ago. */
  readonly connector: Pick<OriginConnector, "isHandingOver">;
  /** Whether a body has to keep a pace: a store's does, an event stream need not. */
  readonly isPaced: boolean;
  /** Called once after a head has come, when the connection is not used for it any more. */
  readonly closed: () => void;
}

const WRONG_LENGTH = "the body is not as long as its head said";

/** The reader of a body that nobody wants. */
const NOBODY: BodySink = { chunk: () => true, end: () => undefined, fail: () => undefined };

/**
 * One request on one connection, and what comes back: undici's handler and the body's other side in
 * one object, because a fetch is made of nothing else.
 */
export class DispatchedFetch implements Dispatcher.DispatchHandler, OriginBody {
  /** Or why there was none. */
  readonly head: Promise<ReceivedHead | Error>;
  readonly #terms: FetchTerms;
  readonly #resolve: (head: ReceivedHead | Error) => void;
  #controller: Dispatcher.DispatchController | undefined;
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
  /** NaN without one. */
  #contentLength = NaN;
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
    this.#controller?.abort(new AnswerBroken(reason));
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
    // Later: undici's parsers cannot be entered from within one another.
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

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    this.#isSent = true;
    this.#isPooled = !this.#terms.connector.isHandingOver;
    if (this.#terms.signal.aborted) this.handleEvent();
  }

  onResponseStarted(): void {
    this.#isAnswered = true;
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number): void {
    const fields = textFields(controller.rawHeaders);
    if (fields.length / 2 > ORIGIN_FIELD_LINES_MAX) return this.giveUp("too many fields");
    if (status < 200) return this.#inform(status, fields);
    this.#hasHead = true;
    this.#contentLength = Number(fieldOf(fields, "content-length"));
    this.#resolve({ status, fields });
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    // A parser that was held back begins again with nothing.
    if (chunk.length === 0) return;
    this.#bytes += chunk.length;
    if (this.#bytes > (this.#bytesExpected ?? Infinity)) return this.#breakOff(WRONG_LENGTH);
    const isTooSlow = this.#pace?.isTooSlow(this.#bytes, this.#terms.clock.now()) ?? false;
    if (isTooSlow) return this.#breakOff("the body is too slow");
    const sink = this.#sink;
    if (sink !== undefined && !this.#isHeldBack) {
      if (!sink.chunk(chunk)) this.#holdBack();
      return;
    }
    this.#waiting.push(chunk);
    this.#waitingBytes += chunk.length;
    if (this.#waitingBytes >= ORIGIN_AHEAD_BYTES_MAX) this.#pause(controller);
  }

  onResponseEnd(controller: Dispatcher.DispatchController): void {
    this.#trailers = trailerFields(textFields(controller.rawTrailers));
    const isShort = this.#bytes < (this.#bytesExpected ?? 0) && !this.#isGivenUp;
    this.#close(isShort ? new AnswerBroken(WRONG_LENGTH) : undefined);
  }

  onResponseError(_controller: unknown, error: Error): void {
    this.#resolve(error);
    // undici takes a body for broken whose last octet was held back as its connection ended.
    this.#close(this.#bytes === this.#contentLength ? undefined : error);
  }

  #inform(status: number, fields: readonly string[]): void {
    this.#interims += 1;
    // RFC 9110 §15.2.2: no request of ours has an Upgrade field.
    if (status === 101) return this.giveUp("a change of protocol that nobody asked for");
    if (this.#interims > ORIGIN_INTERIM_MAX) return this.giveUp("too many interim responses");
    this.#terms.request.informed(status, endToEndFields(fields));
  }

  /** Hands over what waits, then lets more come, or tells the end. */
  #flow(): void {
    const sink = this.#sink;
    if (sink === undefined) return;
    while (!this.#isHeldBack) {
      const chunk = this.#waiting.shift();
      if (chunk === undefined) {
        if (this.#state === "flowing") this.#controller?.resume();
        else this.#tellEnd(sink);
        return;
      }
      this.#waitingBytes -= chunk.length;
      if (!sink.chunk(chunk)) this.#holdBack();
    }
  }

  #holdBack(): void {
    this.#isHeldBack = true;
    if (this.#state === "flowing") this.#pause(this.#controller);
  }

  #pause(controller: Dispatcher.DispatchController | undefined): void {
    this.#pace?.hold();
    controller?.pause();
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
    this.#controller?.abort(new AnswerBroken(reason));
  }

  #close(error: Error | undefined): void {
    if (this.#state !== "flowing") return;
    this.#state = error === undefined ? "whole" : "broken";
    this.#terms.signal.removeEventListener("abort", this);
    if (!this.#hasHead) return;
    if (error !== undefined) this.#tellBroken(error);
    this.#terms.closed();
    if (error === undefined) return this.#flow();
    // What is broken need not be read to where it broke.
    this.#waiting = [];
    if (this.#sink !== undefined) this.#tellEnd(this.#sink);
  }
}

/** As undici has read them: octets, names as they were sent. */
function textFields(raw: Dispatcher.DispatchController["rawHeaders"]): string[] {
  if (!Array.isArray(raw)) return [];
  return raw.map((octets, i) => {
    const text = typeof octets === "string" ? octets : octets.toString("latin1");
    return i % 2 === 0 ? text.toLowerCase() : text;
  });
}

import { Readable } from "node:stream";
import { Agent, type Dispatcher } from "undici";
import type { Clock } from "#clock.ts";
import { unreachable } from "#unreachable.ts";
import type { BodyLength } from "../cache/storage-decision.ts";
import { fieldOf } from "../fields.ts";
import {
  EMBEDDED_FETCHES_MAX,
  ORIGIN_BODY_IDLE_TIMEOUT_MS,
  ORIGIN_CONNECT_TIMEOUT_MS,
  ORIGIN_CONNECTIONS_MAX,
  ORIGIN_FETCHES_MAX,
  ORIGIN_HEAD_BYTES_MAX,
  ORIGIN_HEAD_TIMEOUT_MS,
  ORIGIN_QUEUE_TIMEOUT_MS,
  ORIGINS_MAX,
} from "../limits.ts";
import { endToEndFields } from "../response-head.ts";
import { judgeAnswer } from "./answer-fault.ts";
import { newLoopToken } from "./cdn-loop.ts";
import { type ConnectorTerms, OriginConnector } from "./connector.ts";
import { DispatchedFetch, type ReceivedHead } from "./dispatched-fetch.ts";
import { failed, failureOf, isClosedByOrigin } from "./fetch-failure.ts";
import { FetchSlots, type SlotAnswer } from "./fetch-slots.ts";
import { isOperatorsHost } from "./forbidden-address.ts";
import { type EmbeddedSpaces, type LocatedOrigin, locate } from "./locate.ts";
import type { Origin, OriginFailure, OriginRequest, OriginResponse } from "./origin.ts";
import { OriginHealth, type Permission } from "./origin-health.ts";
import { sentFields } from "./sent-fields.ts";

/** RFC 9110 §9.2.2. */
const IDEMPOTENT: ReadonlySet<string> = new Set([
  "GET",
  "HEAD",
  "OPTIONS",
  "TRACE",
  "PUT",
  "DELETE",
]);

/** What may be otherwise than in limits.ts, or is otherwise in tests. */
export interface OriginOptions {
  /** Of the installation; absent: of this process. */
  readonly loopToken?: string;
  readonly connectTimeoutMs?: number;
  readonly headTimeoutMs?: number;
  readonly bodyIdleTimeoutMs?: number;
  readonly lookup?: ConnectorTerms["lookup"];
  /** Below 1. */
  readonly random?: () => number;
}

/** Connections of one kind: to where the operator says, or to where that is not this machine. */
interface Connections {
  readonly agent: Agent;
  readonly connector: OriginConnector;
}

/** Origins over HTTP/1.1, connections pooled per origin. */
export class UndiciOrigin implements Origin {
  readonly loopToken: string;
  readonly #embedded: EmbeddedSpaces;
  readonly #clock: Clock;
  readonly #upstreams = new FetchSlots({
    fetchingMax: ORIGIN_CONNECTIONS_MAX,
    fetchesMax: ORIGIN_FETCHES_MAX,
    waitMs: ORIGIN_QUEUE_TIMEOUT_MS,
  });
  /** They are one origin for all: a queue here would let one Space's readers hold up another's. */
  readonly #embeddedSpaces = new FetchSlots({
    fetchingMax: EMBEDDED_FETCHES_MAX,
    fetchesMax: EMBEDDED_FETCHES_MAX,
    waitMs: ORIGIN_QUEUE_TIMEOUT_MS,
  });
  readonly #health: OriginHealth;
  readonly #operators: Connections;
  /** Apart, so that none is used that was made by another rule. */
  readonly #others: Connections;

  constructor(embedded: EmbeddedSpaces, clock: Clock, options: OriginOptions = {}) {
    this.loopToken = options.loopToken ?? newLoopToken();
    this.#embedded = embedded;
    this.#clock = clock;
    this.#health = new OriginHealth(options.random ?? Math.random);
    this.#operators = connections(options, true);
    this.#others = connections(options, false);
  }

  async fetch(
    request: OriginRequest,
    signal: AbortSignal,
  ): Promise<OriginResponse | OriginFailure> {
    const located = locate(request, this.#embedded, this.#clock.now());
    if (located.kind === "unusable") return failed(400, "unusable-path", located.reason);
    const isEmbedded = request.endpoint.upstream === undefined;
    const slots = isEmbedded ? this.#embeddedSpaces : this.#upstreams;
    const { origin } = located;
    const permission = this.#health.permit(origin, this.#clock.now());
    if (permission.kind === "wait") return down(permission);
    const taken = slots.take(origin, signal);
    // Awaited always: undici cannot be entered from within what one of its responses has led to.
    const slot = await taken;
    if (slot !== "granted") return withoutSlot(slot);
    const release = (): void => slots.giveBack(origin);
    if (typeof taken !== "string" && permission.kind === "go") {
      // It may have gone down in the meantime.
      const stillPermitted = this.#health.permit(origin, this.#clock.now());
      if (stillPermitted.kind === "wait") {
        release();
        return down(stillPermitted);
      }
    }
    return await this.#fetch(request, located, { signal, release });
  }

  async close(): Promise<void> {
    await Promise.all([this.#operators.agent.destroy(), this.#others.agent.destroy()]);
  }

  /** A pooled connection may have been closed by the origin as we wrote: one more try, on another. */
  async #fetch(
    request: OriginRequest,
    located: LocatedOrigin,
    turn: Turn,
  ): Promise<OriginResponse | OriginFailure> {
    const { signal } = turn;
    const requestTime = this.#clock.now();
    const options = dispatchOptions(request, located, this.loopToken);
    for (let attempt = 1; ; attempt += 1) {
      const fetch = this.#dispatch(request, options, turn);
      const head = await fetch.head;
      if (!(head instanceof Error)) {
        const responseTime = this.#clock.now();
        this.#health.answered(located.origin, responseTime);
        return answerOf(fetch, head, request, { requestTime, responseTime });
      }
      const isStale = fetch.wasStale && isClosedByOrigin(head);
      if (isStale && attempt === 1 && !signal.aborted && isRepeatable(request)) continue;
      turn.release();
      if (signal.aborted) return withoutSlot("aborted");
      const failure = failureOf(head);
      this.#noteFailure(located.origin, failure, { isSent: fetch.isSent, requestTime });
      return failure;
    }
  }

  #dispatch(
    request: OriginRequest,
    options: Dispatcher.DispatchOptions,
    turn: Turn,
  ): DispatchedFetch {
    const { endpoint } = request;
    const { agent, connector } = isOperatorsHost(endpoint) ? this.#operators : this.#others;
    const fetch = new DispatchedFetch({
      request,
      signal: turn.signal,
      clock: this.#clock,
      connector,
      isPaced: endpoint.role !== "proxy",
      closed: turn.release,
    });
    agent.dispatch(options, fetch);
    return fetch;
  }

  /** What breaks off or makes no sense has come from somewhere: only silence counts. */
  #noteFailure(
    origin: string,
    { detail }: OriginFailure,
    { isSent, requestTime }: { readonly isSent: boolean; readonly requestTime: number },
  ): void {
    const now = this.#clock.now();
    const begunAt = requestTime;
    if (detail === "origin-timeout") this.#health.failed(origin, { begunAt, now, status: 504 });
    else if (detail === "origin-unreachable" && !isSent) {
      this.#health.failed(origin, { begunAt, now, status: 502 });
    }
  }
}

/** A fetch whose turn it is: until when it is wanted, and what to call once it is over. */
interface Turn {
  readonly signal: AbortSignal;
  readonly release: () => void;
}

function connections(options: OriginOptions, anyAddress: boolean): Connections {
  const { connectTimeoutMs = ORIGIN_CONNECT_TIMEOUT_MS, lookup } = options;
  const terms = { connectTimeoutMs, anyAddress, ...(lookup === undefined ? {} : { lookup }) };
  const connector = new OriginConnector(terms);
  // As many connections as there are fetches: what bounds them, and who waits, is decided by slots.
  const agent = new Agent({
    maxOrigins: ORIGINS_MAX,
    pipelining: 1,
    allowH2: false,
    maxHeaderSize: ORIGIN_HEAD_BYTES_MAX,
    connect: connector.connect,
    headersTimeout: options.headTimeoutMs ?? ORIGIN_HEAD_TIMEOUT_MS,
    bodyTimeout: options.bodyIdleTimeoutMs ?? ORIGIN_BODY_IDLE_TIMEOUT_MS,
  });
  return { agent, connector };
}

function dispatchOptions(
  request: OriginRequest,
  located: LocatedOrigin,
  loopToken: string,
): Dispatcher.DispatchOptions {
  const { method, content } = request;
  const { origin, path } = located;
  const headers = sentFields(request, located, loopToken);
  if (content === undefined) return { origin, path, method, headers };
  return { origin, path, method, headers, body: Readable.from(content) };
}

/** What came, if it is an answer to what was asked. */
function answerOf(
  fetch: DispatchedFetch,
  { status, fields }: ReceivedHead,
  { fields: asked, method, endpoint }: OriginRequest,
  times: { readonly requestTime: number; readonly responseTime: number },
): OriginResponse | OriginFailure {
  const statusMax = endpoint.role === "proxy" ? 999 : 599;
  const verdict = judgeAnswer({ status, fields, asked, statusMax });
  if (verdict.kind === "fault") {
    // Not a byte more of it is read.
    fetch.giveUp(verdict.reason);
    return failed(502, "origin-invalid", verdict.reason);
  }
  if (verdict.partBytes !== undefined && method !== "HEAD") fetch.expect(verdict.partBytes);
  return {
    kind: "response",
    status,
    fields: endToEndFields(fields),
    length: bodyLength(fields),
    body: fetch,
    discard: () => fetch.discard(),
    ...times,
  };
}

/** RFC 9110 §9.2.2: what may be sent twice because doing it twice is doing it once. */
function isRepeatable({ method, content }: OriginRequest): boolean {
  return content === undefined && IDEMPOTENT.has(method);
}

/** RFC 9112 §6.3; undici has refused what is malformed or contradicts itself. */
function bodyLength(fields: readonly string[]): BodyLength {
  if (fieldOf(fields, "transfer-encoding") !== undefined) return "chunked";
  const length = fieldOf(fields, "content-length");
  return length !== undefined && /^\d{1,15}$/.test(length) ? Number(length) : "close-delimited";
}

function down({ status, waitMs }: Extract<Permission, { kind: "wait" }>): OriginFailure {
  const reason = "The origin has not answered for a while, and is asked again in a moment.";
  const retryAfterSeconds = Math.ceil(waitMs / 1_000);
  return { ...failed(status, "origin-down", reason), retryAfterSeconds };
}

function withoutSlot(answer: Exclude<SlotAnswer, "granted">): OriginFailure {
  switch (answer) {
    case "full":
      return failed(503, "origin-busy", "Too many requests wait for the origin.");
    case "late":
      return failed(503, "origin-busy", "No connection to the origin came free in time.");
    case "aborted":
      return failed(503, "client-left", "Nobody waits for the origin any more.");
    default:
      return unreachable(answer);
  }
}

import type { Clock } from "#clock.ts";
import type { EdgeEndpoint } from "#feed/entry.ts";
import { unreachable } from "#unreachable.ts";
import {
  EMBEDDED_FETCHES_MAX,
  ORIGIN_BODY_IDLE_TIMEOUT_MS,
  ORIGIN_CONNECT_TIMEOUT_MS,
  ORIGIN_CONNECTIONS_MAX,
  ORIGIN_FETCHES_MAX,
  ORIGIN_HEAD_BYTES_MAX,
  ORIGIN_HEAD_TIMEOUT_MS,
  ORIGIN_QUEUE_TIMEOUT_MS,
} from "../limits.ts";
import { endToEndFields } from "../response-head.ts";
import { judgeAnswer } from "./answer-fault.ts";
import { newLoopToken } from "./cdn-loop.ts";
import type { ConnectorTerms } from "./connector.ts";
import { ConnectionLost, failed, failureOf, RequestUnusable } from "./fetch-failure.ts";
import { FetchSlots, type SlotAnswer } from "./fetch-slots.ts";
import { isOperatorsHost } from "./forbidden-address.ts";
import { ORIGIN_IDLE_TIMEOUT_MS } from "./limits.ts";
import { type EmbeddedSpaces, type LocatedOrigin, locate, originOf } from "./locate.ts";
import type { Origin, OriginFailure, OriginRequest, OriginResponse } from "./origin.ts";
import type { OutgoingRequest } from "./origin-connection.ts";
import { OriginFetch } from "./origin-fetch.ts";
import { OriginHealth, type Outlook, type Permission } from "./origin-health.ts";
import { OriginPools } from "./origin-pools.ts";
import type { ReceivedHead } from "./received-head.ts";
import { requestText } from "./request-text.ts";
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
  readonly idleTimeoutMs?: number;
  readonly lookup?: ConnectorTerms["lookup"];
  /** Below 1. */
  readonly random?: () => number;
}

/** Origins over HTTP/1.1, connections pooled per origin. */
export class HttpOrigin implements Origin {
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
  /** Connections to where the operator says. */
  readonly #operators: OriginPools;
  /** To where that is not this machine; apart, so that none is used that was made by another rule. */
  readonly #others: OriginPools;

  constructor(embedded: EmbeddedSpaces, clock: Clock, options: OriginOptions = {}) {
    this.loopToken = options.loopToken ?? newLoopToken();
    this.#embedded = embedded;
    this.#clock = clock;
    this.#health = new OriginHealth(options.random ?? Math.random);
    this.#operators = pools(options, true);
    this.#others = pools(options, false);
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
    const slot = typeof taken === "string" ? taken : await taken;
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
    return await this.#fetch(request, { located, signal, release });
  }

  outlook(endpoint: EdgeEndpoint): Outlook {
    return this.#health.outlook(originOf(endpoint, this.#embedded), this.#clock.now());
  }

  async close(): Promise<void> {
    this.#operators.close();
    this.#others.close();
  }

  /** A pooled connection may have been closed by the origin as we wrote: one more try, on another. */
  async #fetch(request: OriginRequest, turn: Turn): Promise<OriginResponse | OriginFailure> {
    const { located, signal } = turn;
    const requestTime = this.#clock.now();
    const outgoing = outgoingRequest(request, located, this.loopToken);
    if (outgoing instanceof RequestUnusable) {
      turn.release();
      return failureOf(outgoing);
    }
    for (let attempt = 1; ; attempt += 1) {
      const fetch = this.#dispatch(request, outgoing, turn, attempt > 1);
      const head = await fetch.head;
      if (!(head instanceof Error)) {
        const responseTime = this.#clock.now();
        this.#health.answered(located.origin, responseTime);
        return answerOf(fetch, head, request, { requestTime, responseTime });
      }
      const isStale = fetch.wasStale && head instanceof ConnectionLost;
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
    outgoing: OutgoingRequest,
    { located, signal, release }: Turn,
    isNew: boolean,
  ): OriginFetch {
    const { endpoint } = request;
    const fetch = new OriginFetch({
      request,
      signal,
      clock: this.#clock,
      isPaced: endpoint.role !== "proxy",
      closed: release,
    });
    const connections = isOperatorsHost(endpoint) ? this.#operators : this.#others;
    connections.dispatch(located.origin, outgoing, fetch, isNew);
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
  readonly located: LocatedOrigin;
  readonly signal: AbortSignal;
  readonly release: () => void;
}

function pools(options: OriginOptions, anyAddress: boolean): OriginPools {
  const { lookup } = options;
  const limits = {
    headBytesMax: ORIGIN_HEAD_BYTES_MAX,
    connectTimeoutMs: options.connectTimeoutMs ?? ORIGIN_CONNECT_TIMEOUT_MS,
    headTimeoutMs: options.headTimeoutMs ?? ORIGIN_HEAD_TIMEOUT_MS,
    bodyIdleTimeoutMs: options.bodyIdleTimeoutMs ?? ORIGIN_BODY_IDLE_TIMEOUT_MS,
    idleTimeoutMs: options.idleTimeoutMs ?? ORIGIN_IDLE_TIMEOUT_MS,
  };
  return new OriginPools(limits, { anyAddress, ...(lookup === undefined ? {} : { lookup }) });
}

function outgoingRequest(
  request: OriginRequest,
  located: LocatedOrigin,
  loopToken: string,
): OutgoingRequest | RequestUnusable {
  const { method, content, contentLength = "unknown" } = request;
  const { origin, path } = located;
  const fields = sentFields(request, located, loopToken);
  const host = origin.slice(origin.indexOf("//") + 2);
  const text = requestText({ method, path, fields, host });
  if (text instanceof RequestUnusable) return text;
  const isHead = method === "HEAD";
  if (content === undefined) return { text, isHead };
  return { text, isHead, content: { content, length: contentLength } };
}

/** What came, if it is an answer to what was asked. */
function answerOf(
  fetch: OriginFetch,
  { status, fields, length }: ReceivedHead,
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
    length,
    body: fetch,
    discard: () => fetch.discard(),
    ...times,
  };
}

/** RFC 9110 §9.2.2: what may be sent twice because doing it twice is doing it once. */
function isRepeatable({ method, content }: OriginRequest): boolean {
  return content === undefined && IDEMPOTENT.has(method);
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

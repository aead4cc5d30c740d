import { Readable } from "node:stream";
import { Agent, type Dispatcher, errors } from "undici";
import type { Clock } from "#clock.ts";
import { unreachable } from "#unreachable.ts";
import type { BodyLength } from "../cache/storage-decision.ts";
import { fieldOf } from "../fields.ts";
import {
  EMBEDDED_FETCHES_MAX,
  ORIGIN_BODY_IDLE_TIMEOUT_MS,
  ORIGIN_CONNECTIONS_MAX,
  ORIGIN_FETCHES_MAX,
  ORIGIN_HEAD_BYTES_MAX,
  ORIGIN_HEAD_TIMEOUT_MS,
  ORIGIN_QUEUE_TIMEOUT_MS,
  ORIGINS_MAX,
} from "../limits.ts";
import { endToEndFields } from "../response-head.ts";
import { answerFault } from "./answer-fault.ts";
import { isReset, originConnector } from "./connector.ts";
import { FetchSlots, type SlotAnswer } from "./fetch-slots.ts";
import { type EmbeddedSpaces, type Location, locate } from "./locate.ts";
import {
  CDN_LOOP_TOKEN,
  type Origin,
  type OriginFailure,
  type OriginRequest,
  type OriginResponse,
} from "./origin.ts";

/** RFC 9110 §9.2.2. */
const IDEMPOTENT: ReadonlySet<string> = new Set([
  "GET",
  "HEAD",
  "OPTIONS",
  "TRACE",
  "PUT",
  "DELETE",
]);

const NO_TRAILERS: ReadonlySet<string> = new Set([
  "age",
  "authorization",
  "cache-control",
  "content-encoding",
  "content-length",
  "content-range",
  "content-type",
  "date",
  "expires",
  "host",
  "location",
  "set-cookie",
  "vary",
]);

/** Origins over HTTP/1.1, connections pooled per origin. */
export class UndiciOrigin implements Origin {
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
  /** As many connections as there are fetches: what bounds them, and who waits, is decided above. */
  readonly #agent = new Agent({
    maxOrigins: ORIGINS_MAX,
    pipelining: 1,
    allowH2: false,
    maxHeaderSize: ORIGIN_HEAD_BYTES_MAX,
    connect: originConnector(),
    headersTimeout: ORIGIN_HEAD_TIMEOUT_MS,
    bodyTimeout: ORIGIN_BODY_IDLE_TIMEOUT_MS,
  });

  constructor(embedded: EmbeddedSpaces, clock: Clock) {
    this.#embedded = embedded;
    this.#clock = clock;
  }

  async fetch(
    request: OriginRequest,
    signal: AbortSignal,
  ): Promise<OriginResponse | OriginFailure> {
    const location = locate(request, this.#embedded, this.#clock.now());
    if (location.kind === "unusable") return failed(400, "unusable-path", location.reason);
    const isEmbedded = request.endpoint.upstream === undefined;
    const slots = isEmbedded ? this.#embeddedSpaces : this.#upstreams;
    const slot = await slots.take(location.origin, signal);
    if (slot !== "granted") return withoutSlot(slot);
    const done = (): void => slots.giveBack(location.origin);
    try {
      const requestTime = this.#clock.now();
      const received = await this.#request(request, location, signal);
      received.body.once("close", done);
      return judged(received, request, { requestTime, responseTime: this.#clock.now() });
    } catch (error) {
      done();
      return failureOf(error);
    }
  }

  /** A pooled connection may have been closed by the origin as we wrote: one more try, on another. */
  async #request(
    request: OriginRequest,
    location: Location & { kind: "location" },
    signal: AbortSignal,
  ): Promise<Dispatcher.ResponseData> {
    const options: Dispatcher.RequestOptions = {
      origin: location.origin,
      path: location.path,
      method: request.method,
      headers: sentFields(request, location),
      responseHeaders: "raw",
      signal,
      ...(request.content === undefined ? {} : { body: Readable.from(request.content) }),
      onInfo: ({ statusCode, headers }) => {
        // RFC 9110 §15.2.1: the edge has said 100 itself, as it began to read.
        if (statusCode !== 100) request.informed(statusCode, endToEndFields(rawFields(headers)));
      },
    };
    try {
      return await this.#agent.request(options);
    } catch (error) {
      if (!isStaleConnection(error) || signal.aborted || !isRepeatable(request)) throw error;
      return this.#agent.request(options);
    }
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }
}

/** What came, if it is an answer to what was asked. */
function judged(
  received: Dispatcher.ResponseData,
  { fields: asked, endpoint }: OriginRequest,
  times: { readonly requestTime: number; readonly responseTime: number },
): OriginResponse | OriginFailure {
  const raw = rawFields(received.headers);
  const named = raw.map((text, i) => (i % 2 === 0 ? text.toLowerCase() : text));
  const transferEncoding = fieldOf(named, "transfer-encoding");
  const status = received.statusCode;
  const statusMax = endpoint.role === "proxy" ? 999 : 599;
  const fault = answerFault({ status, transferEncoding, asked, statusMax });
  if (fault !== undefined) {
    // Not a byte more of it is read; that it ends early is no news then.
    received.body.on("error", () => undefined).destroy();
    return failed(502, "origin-invalid", fault);
  }
  return {
    kind: "response",
    status,
    fields: endToEndFields(raw),
    length: bodyLength(named),
    body: received.body,
    // A little is read on, so that the connection can be used again; an abort is no failure here.
    trailers: () => trailerFields(received.trailers),
    discard: () => void received.body.dump().catch(() => undefined),
    ...times,
  };
}

/** With `responseHeaders: "raw"` undici answers names and values in one flat list. */
function rawFields(headers: unknown): readonly string[] {
  return headers as readonly string[];
}

/** RFC 9110 §9.2.2: what may be sent twice because doing it twice is doing it once. */
function isRepeatable({ method, content }: OriginRequest): boolean {
  return content === undefined && IDEMPOTENT.has(method);
}

/** What an origin is told beside what the request is for. */
function sentFields(
  { fields, requestId, endpoint, contentLength }: OriginRequest,
  location: Location & { kind: "location" },
): string[] {
  // A proxy passes on what the client accepts; of a Space's objects there is one representation.
  const coding = endpoint.role === "proxy" ? [] : ["accept-encoding", "identity"];
  const length = typeof contentLength === "number" ? ["content-length", String(contentLength)] : [];
  return [
    ...coding,
    "x-request-id",
    requestId,
    ...Object.entries(location.fields).flat(),
    ...fields,
    // RFC 8586 §2: behind those that the request has come through already.
    "cdn-loop",
    CDN_LOOP_TOKEN,
    ...length,
  ];
}

/** RFC 9110 §6.5.1: what decides about framing, routing or caching has no place in a trailer. */
function trailerFields(
  trailers: Readonly<Record<string, string | string[] | undefined>>,
): string[] {
  const fields: string[] = [];
  for (const [name, value = []] of Object.entries(trailers)) {
    for (const line of [value].flat()) fields.push(name, line);
  }
  return endToEndFields(fields).filter((_, i, all) => {
    return !NO_TRAILERS.has(all[i - (i % 2)] ?? "");
  });
}

/** RFC 9112 §6.3; undici has refused what is malformed or contradicts itself. */
function bodyLength(fields: readonly string[]): BodyLength {
  if (fieldOf(fields, "transfer-encoding") !== undefined) return "chunked";
  const length = fieldOf(fields, "content-length");
  return length !== undefined && /^\d{1,15}$/.test(length) ? Number(length) : "close-delimited";
}

function isStaleConnection(error: unknown): boolean {
  return error instanceof errors.SocketError || isReset(error);
}

function failureOf(error: unknown): OriginFailure {
  const timedOut =
    error instanceof errors.ConnectTimeoutError || error instanceof errors.HeadersTimeoutError;
  return timedOut
    ? failed(504, "origin-timeout", "The origin did not answer in time.", error)
    : failed(
        502,
        "origin-unreachable",
        "The origin could not be reached or did not answer in HTTP.",
        error,
      );
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

function failed(
  status: OriginFailure["status"],
  detail: OriginFailure["detail"],
  reason: string,
  cause?: unknown,
): OriginFailure {
  return { kind: "failed", status, detail, reason, cause };
}

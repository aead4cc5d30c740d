import type { CacheCounters } from "#usage/cache-counters.ts";
import type { RevalidationResult } from "#usage/cache-family.ts";
import { unattended } from "./attendance.ts";
import type { FetchRange } from "./cache/stored-body.ts";
import type { FailureLog } from "./failure-log.ts";
import { clientFields, proxyFields } from "./origin/forwarded-fields.ts";
import type { Origin, OriginFailure, OriginResponse } from "./origin/origin.ts";
import type { Outlook } from "./origin/origin-health.ts";
import { receivedFields } from "./policy/received-fields.ts";
import { resumable } from "./siblings/resumed-body.ts";
import type { Siblings } from "./siblings/siblings.ts";
import type { Visit } from "./visit.ts";

type Answer = OriginResponse | OriginFailure;

/** What fetches are made with. */
export interface FetchingParts {
  readonly origin: Origin;
  /** Absent: this worker is the only one. */
  readonly siblings?: Siblings | undefined;
  readonly failures: FailureLog;
  readonly counters: CacheCounters;
}

/** Fetches as the requests of clients call for them: who the origin is told that is asking, and what. */
export class Fetching {
  readonly #parts: FetchingParts;

  constructor(parts: FetchingParts) {
    this.#parts = parts;
  }

  /** The client's own request, on its way to the origin. */
  pass(visit: Visit, signal: AbortSignal): Promise<Answer> {
    const isProxy = visit.live.endpoint.role === "proxy";
    const fields = clientFields(visit.request, isProxy ? "all" : "conditions");
    return this.#fetch(visit, visit.request.method, fields, signal);
  }

  /**
   * A GET that others may be answered by, whoever began it: HEAD is answered from it. It goes to the
   * worker that owns the key, so that a host fetches it once; if that does not answer, to the origin.
   */
  async fill(visit: Visit, fields: readonly string[], signal: AbortSignal): Promise<Answer> {
    const answer = await this.#parts.siblings?.ask(visit, fields, signal);
    if (answer === undefined) return this.alone(visit, fields, signal);
    // What failed has been noted where it failed.
    if (answer.kind === "failed") return answer;
    const goOn = (more: readonly string[]): Promise<Answer> => this.alone(visit, more, signal);
    return received(resumable(answer, goOn), visit);
  }

  /** What the worker that owns the key has stored: nobody asks the origin for it. */
  async stored(visit: Visit, fields: readonly string[], signal: AbortSignal): Promise<Answer> {
    const asking = { ...visit, onlyStored: true };
    const answer = (await this.#parts.siblings?.ask(asking, fields, signal)) ?? NOT_STORED;
    return answer.kind === "failed" ? answer : received(answer, visit);
  }

  /** The same from the origin, whoever owns the key: for what workers cannot share. */
  async alone(visit: Visit, fields: readonly string[], signal: AbortSignal): Promise<Answer> {
    const answer = await this.#fetch(visit, "GET", [...sharedFields(visit), ...fields], signal);
    if (isConditional(fields)) this.#parts.counters.revalidated(revalidationOf(answer));
    return answer;
  }

  /** What is known of the origin, without asking. */
  outlook({ live }: Visit): Outlook {
    return this.#parts.origin.outlook(live.endpoint);
  }

  /** For whoever reads a body that is not there whole: more than one, and maybe for longer than this. */
  ranges(visit: Visit): FetchRange {
    return ({ first, last }, fields, signal) =>
      this.fill(unattended(visit), ["range", `bytes=${first}-${last}`, ...fields], signal);
  }

  async #fetch(
    visit: Visit,
    method: string,
    clientsFields: readonly string[],
    signal: AbortSignal,
  ): Promise<Answer> {
    const { request, exchange, requestId, live, target } = visit;
    const { endpoint } = live;
    const isProxy = endpoint.role === "proxy";
    const fields = isProxy
      ? ["host", request.host, ...clientsFields, ...proxyFields(request, exchange.client)]
      : clientsFields;
    const content =
      isProxy && exchange.content !== undefined
        ? { content: exchange.content, contentLength: request.contentLength }
        : {};
    const informed = (status: number, informing: readonly string[]): void =>
      exchange.inform(status, informing);
    const brokeOff = (failure: OriginFailure): void =>
      this.#parts.failures.note(endpoint.id, requestId, failure);
    const answer = await this.#parts.origin.fetch(
      { endpoint, method, target, requestId, fields, informed, brokeOff, ...content },
      signal,
    );
    if (answer.kind === "response") {
      this.#parts.failures.answered(endpoint.id);
      return received(answer, visit);
    }
    if (!signal.aborted) brokeOff(answer);
    return answer;
  }
}

/** RFC 9111 §5.2.1.7: an origin that nobody may ask is as good as out of reach. */
export const NOT_STORED: OriginFailure = {
  kind: "failed",
  status: 504,
  detail: "origin-unreachable",
  reason: "What was asked for is not in the cache.",
};

function received(answer: OriginResponse, { live }: Visit): OriginResponse {
  const fields = receivedFields(answer.fields, live.endpoint);
  return fields === answer.fields ? answer : { ...answer, fields };
}

/** Whether the origin is asked to confirm what is stored (RFC 9111 §4.3.1). */
function isConditional(fields: readonly string[]): boolean {
  return fields[0] === "if-none-match" || fields[0] === "if-modified-since";
}

function revalidationOf(answer: Answer): RevalidationResult {
  if (answer.kind === "failed" || answer.status >= 500) return "failed";
  return answer.status === 304 ? "confirmed" : "replaced";
}

/** What the origin is sent of the request that begins a fill, and so may select the answer by. */
export function sharedFields({ request, live }: Visit): readonly string[] {
  return live.endpoint.role === "proxy" ? clientFields(request, "all-but-conditions") : [];
}

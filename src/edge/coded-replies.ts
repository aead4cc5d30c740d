import type { Clock } from "#clock.ts";
import { parseEntityTag } from "#http/entity-tag.ts";
import type { StoredResponse } from "./cache/stored-response.ts";
import type { Outcome } from "./cache-status.ts";
import { CodedVariants, type CodedVariantsParts } from "./coding/coded-variants.ts";
import { compressionOf } from "./coding/compressible.ts";
import { AWAITED_BYTES_MAX, AWAITED_MS } from "./coding/limits.ts";
import { decideCoding } from "./coding/negotiation.ts";
import { fieldIn, fieldOf } from "./fields.ts";
import { inTime } from "./in-time.ts";
import type { RequestHead } from "./request.ts";
import { type ReplyContext, storedReply } from "./stored-reply.ts";
import type { Visit } from "./visit.ts";

/** What replies in codings need. */
export interface CodedRepliesParts extends CodedVariantsParts {
  readonly clock: Clock;
}

/** Whether a stored response has variants, and what is said of that beside what it says itself. */
type Terms = { readonly kind: "as-is" } | { readonly kind: "varies"; readonly lines: string };

const AS_IS: Terms = { kind: "as-is" };
const SAYS_SO: Terms = { kind: "varies", lines: "" };
const VARIES: Terms = { kind: "varies", lines: "vary: accept-encoding\r\n" };

/**
 * Replies of an endpoint with compression, from what is stored for all: each client gets the coding that
 * it likes best. Nobody waits for long: who would have to gets what is stored as it is, and the variant
 * is made behind.
 */
export class CodedReplies {
  readonly #variants: CodedVariants;
  readonly #clock: Clock;
  /** For as long as they are in memory. */
  readonly #terms = new WeakMap<StoredResponse, Terms>();

  constructor(parts: CodedRepliesParts) {
    this.#variants = new CodedVariants(parts);
    this.#clock = parts.clock;
  }

  /** Answers at once, or by the end of the promise: what is to be sent is not there yet. */
  respond(
    visit: Visit,
    stored: StoredResponse,
    context: Omit<ReplyContext, "visit">,
  ): Promise<void> | undefined {
    const terms = isForAll(context.outcome) ? this.#termsOf(stored) : AS_IS;
    if (terms.kind === "as-is") {
      visit.exchange.respond(storedReply(visit.request, stored, { ...context, visit }));
      return undefined;
    }
    const asked: Asked = { visit, stored, context, terms };
    const accepted = fieldOf(visit.request.fields, "accept-encoding");
    const coding = decideCoding(accepted, this.#variants.codingsOf(stored));
    if (coding === "identity") return sendIdentity(asked);
    const coded = this.#variants.get(stored, coding);
    if (coded !== undefined) return sendCoded(asked, coded);
    const making = this.#variants.make(stored, coding, visit.live.purges);
    return isAwaited(stored) ? this.#await(asked, making) : sendIdentity(asked);
  }

  async #await(asked: Asked, making: Promise<StoredResponse | undefined>): Promise<void> {
    const { visit, stored } = asked;
    // What outgrows the memory meanwhile is sent all the same: from its beginning, which is kept for us.
    const beginning = stored.body.state === "growing" ? stored.body.read() : undefined;
    try {
      const coded = await inTime(making, AWAITED_MS);
      if (visit.exchange.left) return;
      const now = this.#clock.now();
      const later = { ...asked, context: { ...asked.context, now } };
      if (coded === undefined) sendIdentity(later);
      else sendCoded(later, coded);
    } finally {
      beginning?.close();
    }
  }

  #termsOf(stored: StoredResponse): Terms {
    const known = this.#terms.get(stored);
    if (known !== undefined) return known;
    const compression = compressionOf(stored);
    const isLater = compression.kind === "as-is" && compression.reason === "length-unknown";
    const varies = compression.kind === "compress" || isLater;
    const terms = !varies ? AS_IS : saysSo(stored) ? SAYS_SO : VARIES;
    if (!isLater) this.#terms.set(stored, terms);
    return terms;
  }
}

/** A request, and what it is answered from. */
interface Asked {
  readonly visit: Visit;
  readonly stored: StoredResponse;
  readonly context: Omit<ReplyContext, "visit">;
  readonly terms: Extract<Terms, { kind: "varies" }>;
}

function sendCoded({ visit, context }: Asked, coded: StoredResponse): undefined {
  const request = withoutDatedRange(visit.request);
  visit.exchange.respond(storedReply(request, coded, { ...context, visit }));
}

/** RFC 9110 §12.5.5: caches further on have to know that it is one of several. */
function sendIdentity({ visit, stored, context, terms }: Asked): undefined {
  const request = withoutDatedRange(visit.request);
  const { requestId, live } = visit;
  const lines = visit.lines + terms.lines;
  const varied = { ...context, visit: { requestId, live, lines } };
  visit.exchange.respond(storedReply(request, stored, varied));
}

/** What is for one client alone may have secrets in it, which its length would tell (BREACH). */
function isForAll(outcome: Outcome): boolean {
  return !("storage" in outcome) || outcome.storage.kind === "store";
}

/** Its length is known, and it is soon there. */
function isAwaited({ contentLength, body }: StoredResponse): boolean {
  const length = contentLength ?? (body.state === "whole" ? body.sizeBytes : Infinity);
  return length <= AWAITED_BYTES_MAX;
}

function saysSo({ section }: StoredResponse): boolean {
  const vary = fieldIn(section.text, "vary") ?? "";
  return vary.split(",").some((name) => name.trim().toLowerCase() === "accept-encoding");
}

/**
 * All variants have one Last-Modified, which is therefore weak, however old (RFC 9110 §8.8.1): If-Range
 * with a date does not hold (§13.1.5), or the rest of one would be put behind the beginning of another.
 */
function withoutDatedRange(request: RequestHead): RequestHead {
  const { fields } = request;
  const condition = fieldOf(fields, "if-range");
  if (condition === undefined || parseEntityTag(condition) !== undefined) return request;
  return { ...request, fields: fields.filter((_, i) => fields[i - (i % 2)] !== "range") };
}

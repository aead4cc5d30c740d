import type { ExplainedStep } from "#feed/explained.ts";
import { effectiveRange, evaluateInCache, type RequestField } from "#http/precondition.ts";
import { selectRanges } from "#http/range.ts";
import { unreachable } from "#unreachable.ts";
import { invalidatedTargets } from "../cache/invalidation.ts";
import { STALE_DISCONNECTED_WAIT_MS, STALE_IF_ERROR_WAIT_MS } from "../cache/limits.ts";
import type { Reuse, StaleIfError } from "../cache/reuse-decision.ts";
import { conditionsFor } from "../cache/stored-response.ts";
import { decideCompression } from "../coding/compressible.ts";
import { CODINGS } from "../coding/compressor.ts";
import { decideCoding } from "../coding/negotiation.ts";
import { fieldOf } from "../fields.ts";
import { SLICE_BYTES } from "../limits.ts";
import { clientFields, type Forwarding } from "../origin/forwarded-fields.ts";
import type { RequestHead } from "../request.ts";
import { alignedRange } from "../slices/aligned-range.ts";
import type { PeekedResponse } from "../tiers/peek.ts";
import { wantedSlice } from "../wanted-slice.ts";
import type { Decisions, Found, Looking } from "./decisions.ts";

/** What the client gets, and what the origin is asked for that. */
export function forwardSteps(
  { request, now }: Decisions,
  looking: Looking,
): readonly ExplainedStep[] {
  const { found, lookup } = looking;
  if (found === undefined) {
    const lines = ["BYPASS: what the origin says, for this client alone"];
    return [
      { step: "answer", lines: [...lines, ...invalidationLines(request, looking)] },
      { step: "origin", lines: passLines(request, looking) },
    ];
  }
  const { reuse, kept } = found;
  if (kept !== undefined && reuse !== undefined && isUsed(reuse)) {
    const reply = replyLine(request, kept, now);
    const lines = [...usedLines(reuse), reply, ...codingLines(request, kept, looking)];
    return [
      { step: "answer", lines },
      { step: "origin", lines: besideLines(reuse, kept) },
    ];
  }
  if (lookup.kind === "lookup" && lookup.onlyIfCached) {
    return [
      { step: "answer", lines: [found.isSiblings ? ELSEWHERE : NOWHERE] },
      { step: "origin", lines: ["is not asked"] },
    ];
  }
  return [
    { step: "answer", lines: missLines(found) },
    { step: "origin", lines: fillLines(request, looking, found) },
  ];
}

/** RFC 9111 §4.4. */
function invalidationLines(request: RequestHead, { live, target }: Looking): string[] {
  if (live.endpoint.role !== "proxy") return [];
  const { method, host } = request;
  const succeeded = { status: 200, fields: [] };
  const authority = { scheme: "http", host } as const;
  const isUnsafe = invalidatedTargets({ method, target }, succeeded, authority).length > 0;
  return isUnsafe ? ["if that succeeds, what is stored for this URL is dropped"] : [];
}

type Used = Extract<Reuse, { kind: "fresh" | "stale-while-revalidate" | "stale-if-error" }>;

function isUsed(reuse: Reuse): reuse is Used {
  return reuse.kind !== "revalidate" && reuse.kind !== "refetch";
}

function usedLines(reuse: Used): string[] {
  switch (reuse.kind) {
    case "fresh":
      return [`HIT: it is fresh for ${reuse.ttlSeconds} s more`];
    case "stale-while-revalidate":
      return [
        reuse.reason === "purged"
          ? "STALE: it was purged softly, and stands in until the origin has been asked"
          : "STALE: it is no longer fresh, and stale-while-revalidate lets it stand in",
      ];
    case "stale-if-error":
      return ["STALE: the origin failed a moment ago, and is not asked by each request"];
    default:
      return unreachable(reuse);
  }
}

/** As what is stored is replied with (RFC 9110 §13.2.2, §14.2). */
function replyLine(
  request: RequestHead,
  { stored, bodyBytes }: PeekedResponse,
  now: number,
): string {
  const field: RequestField = (name) => fieldOf(request.fields, name);
  const whole = `${stored.status}, ${stored.contentLength ?? bodyBytes} octets`;
  if (stored.status !== 200) return whole;
  const { validators } = stored;
  if (evaluateInCache(field, validators, now) === "not-modified") {
    return "304: what the client has is what is stored";
  }
  const range = effectiveRange(request.method, field, validators, now);
  const selected = selectRanges(range, stored.contentLength ?? bodyBytes);
  switch (selected.kind) {
    case "whole":
      return whole;
    case "ranges":
      return `206, octets ${selected.ranges.map(({ first, last }) => `${first}-${last}`).join(", ")}`;
    case "unsatisfiable":
      return "416: it is shorter than what is asked for";
    default:
      return unreachable(selected);
  }
}

function codingLines(
  request: RequestHead,
  { stored, bodyBytes, slices }: PeekedResponse,
  { live }: Looking,
): string[] {
  if (live.endpoint.settings?.compression !== true) return [];
  if (slices !== undefined) return ["not compressed: it is in slices"];
  const { status, section, contentLength } = stored;
  const length = contentLength ?? bodyBytes;
  const compression = decideCompression({ status, fields: section.fields(), length });
  if (compression.kind === "as-is") return [`not compressed: ${compression.reason}`];
  const coding = decideCoding(fieldOf(request.fields, "accept-encoding"), CODINGS);
  return coding === "identity"
    ? ["not compressed: the client takes no coding"]
    : [`compressed by ${coding}, if that makes it smaller`];
}

/** What is asked of the origin for a client that does not wait for it. */
function besideLines(reuse: Used, { slices }: PeekedResponse): string[] {
  const refresh =
    reuse.kind === "stale-while-revalidate" && reuse.refresh
      ? "is asked to confirm it, for those who come later"
      : "is not asked";
  if (slices === undefined) return [refresh];
  return [refresh, "slices that are neither in memory nor on disk are fetched as they are read"];
}

/** RFC 9111 §5.2.1.7. */
const NOWHERE = "504: the request says only-if-cached, and there is nothing that may be used";
const ELSEWHERE =
  "what the worker that owns this key has stored, if that may be used; else 504: the request says only-if-cached";

function missLines(found: Found): string[] {
  const lines = whyForward(found);
  if (!found.isSiblings) return lines;
  return [...lines, "but first the worker that owns this key is asked for what it has"];
}

function whyForward({ kept, purged, isSelected, reuse }: Found): string[] {
  if (kept === undefined || purged === "gone") return ["MISS: the origin is asked"];
  if (!isSelected) return ["MISS: what is stored was selected by other request fields"];
  if (reuse?.kind !== "revalidate" && reuse?.kind !== "refetch") return [];
  const how =
    reuse.kind === "revalidate"
      ? "REVALIDATED if the origin confirms it, else MISS"
      : "MISS: it has no validator by which the origin could confirm it";
  return [`${how}; ${STALE[reuse.reason]}`, FAILING[reuse.ifError]];
}

const STALE: Readonly<Record<Exclude<Reuse, Used>["reason"], string>> = {
  stale: "it is no longer fresh",
  "no-cache": "it says no-cache",
  purged: "it was purged softly",
};

const FAILING: Readonly<Record<StaleIfError, string>> = {
  never: "if the origin fails, its failure is the answer",
  disconnected: `if the origin cannot be reached, or is silent for ${STALE_DISCONNECTED_WAIT_MS / 1_000} s, what is stored stands in`,
  error: `if the origin fails, or is silent for ${STALE_IF_ERROR_WAIT_MS / 1_000} s, what is stored stands in`,
};

/** The one fetch for all who ask for this meanwhile. */
function fillLines(request: RequestHead, { live, target }: Looking, found: Found): string[] {
  const isProxy = live.endpoint.role === "proxy";
  const { kept, reuse, isSiblings } = found;
  const prior = reuse?.kind === "revalidate" ? kept?.stored : undefined;
  const conditions = prior === undefined ? [] : conditionsFor(prior);
  const slice = prior === undefined ? wantedSlice(request) : undefined;
  return [
    `${isSiblings ? "is asked by the owner of the key: " : ""}GET ${target}${isProxy ? fieldWords(request, "all-but-conditions") : ""}`,
    ...pairs(conditions),
    ...(slice === undefined ? [] : [`range: ${rangeOf(slice)}`]),
    "whoever asks for the same meanwhile waits for this fetch, and reads along",
  ];
}

function passLines(request: RequestHead, { live, target }: Looking): string[] {
  const forwarding = live.endpoint.role === "proxy" ? "all" : "conditions";
  return [`${request.method} ${target}${fieldWords(request, forwarding)}`];
}

/** Names alone: values are the client's secrets. */
function fieldWords(request: RequestHead, forwarding: Forwarding): string {
  const names = clientFields(request, forwarding).filter((_, i) => i % 2 === 0);
  return names.length === 0 ? "" : `, with what the client sent as ${names.join(", ")}`;
}

function pairs(fields: readonly string[]): string[] {
  return fields.flatMap((name, i) => (i % 2 === 0 ? [`${name}: ${fields[i + 1]}`] : []));
}

function rangeOf(slice: number): string {
  const { first, last } = alignedRange({ from: slice, to: slice }, SLICE_BYTES);
  return `bytes=${first}-${last}`;
}

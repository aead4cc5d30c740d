import { fieldOf } from "../fields.ts";
import type { RequestHead } from "../request.ts";

/** RFC 9110 §9.2.1. What is not known to be safe is unsafe. */
const SAFE: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS", "TRACE"]);

/** An origin (RFC 9110 §4.3.1), as a request came to it: the Host with its port, if it had one. */
export interface Authority {
  readonly scheme: "http" | "https";
  readonly host: string;
}

/** An answer's status and fields, names in lower case and values alternating. */
interface Answer {
  readonly status: number;
  readonly fields: readonly string[];
}

/**
 * RFC 9111 §4.4: the raw targets whose stored responses, all variants of them, are no more what the
 * origin would answer, since an unsafe or unknown method succeeded: the request's own, and those in
 * Location and Content-Location if they are of the same origin.
 */
export function invalidatedTargets(
  { method, target }: Pick<RequestHead, "method" | "target">,
  { status, fields }: Answer,
  authority: Authority,
): readonly string[] {
  const isError = status < 200 || status > 399;
  if (isError || SAFE.has(method)) return [];
  const targets = new Set([target]);
  for (const name of ["location", "content-location"]) {
    const reference = fieldOf(fields, name);
    if (reference === undefined) continue;
    for (const named of targetsOf(reference, target, authority)) targets.add(named);
  }
  return [...targets];
}

/**
 * The raw target of a reference (RFC 3986 §4.1) to the same origin: as a client resolves it, and as it
 * was spelled, since what is stored is found by the spelling. A reference to another origin has none.
 */
function targetsOf(reference: string, target: string, authority: Authority): readonly string[] {
  const base = `${authority.scheme}://${authority.host}`;
  const asked = target.startsWith("/") ? target : "/";
  if (!URL.canParse(reference, base + asked)) return [];
  const url = new URL(reference, base + asked);
  if (url.origin !== new URL(base).origin) return [];
  const resolved = url.pathname + url.search;
  const spelled = /^(?:(?:https?:)?\/\/[^/?#\\]*)?(\/[^#\\]*)/i.exec(reference)?.[1];
  return spelled === undefined ? [resolved] : [resolved, spelled];
}

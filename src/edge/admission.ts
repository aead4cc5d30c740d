import type { LiveEndpoint } from "./names.ts";
import { CDN_LOOP_TOKEN } from "./origin/origin.ts";
import { fieldOf, type RequestHead } from "./wire/request-head.ts";

/** Whether a request is one that an endpoint serves, before its cache is asked. */
export type Admission =
  | { readonly kind: "admitted"; readonly live: LiveEndpoint }
  | {
      readonly kind: "refused";
      readonly status: 400 | 404 | 405 | 508;
      readonly reason: string;
      readonly lines?: string;
    };

/** Host first: who does not know an endpoint's name learns nothing else. */
export function decideAdmission(request: RequestHead, live: LiveEndpoint | undefined): Admission {
  if (live === undefined) {
    return { kind: "refused", status: 404, reason: "No CDN endpoint answers on this host." };
  }
  if (request.method !== "GET" && request.method !== "HEAD") {
    const reason = "Only GET and HEAD are served here.";
    return { kind: "refused", status: 405, reason, lines: "allow: GET, HEAD\r\n" };
  }
  if (request.hasContent) {
    // RFC 9110 §9.3.1: content in a GET has no meaning, and is how requests are smuggled.
    return { kind: "refused", status: 400, reason: "A GET or HEAD has no content." };
  }
  if (isLoop(fieldOf(request.fields, "cdn-loop"))) {
    return { kind: "refused", status: 508, reason: "This request has come through here before." };
  }
  return { kind: "admitted", live };
}

/** RFC 8586 §2: a list of CDN names with parameters. */
function isLoop(cdnLoop: string | undefined): boolean {
  if (cdnLoop === undefined) return false;
  return cdnLoop
    .split(",")
    .some((member) => member.split(";")[0]?.trim().toLowerCase() === CDN_LOOP_TOKEN);
}

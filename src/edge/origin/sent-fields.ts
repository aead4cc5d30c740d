import type { LocatedOrigin } from "./locate.ts";
import type { OriginRequest } from "./origin.ts";

/** RFC 9110 §8.6: methods whose requests say so if they have no content. */
const WITH_CONTENT: ReadonlySet<string> = new Set([
  "PATCH",
  "POST",
  "PROPFIND",
  "PROPPATCH",
  "PUT",
  "QUERY",
]);

/** What an origin is told, names and values alternating: what the request is for, and who asks. */
export function sentFields(
  { method, fields, requestId, endpoint, content, contentLength }: OriginRequest,
  located: LocatedOrigin,
  loopToken: string,
): string[] {
  const sent = ["x-request-id", requestId, ...fields];
  // A proxy passes on what the client accepts; of a Space's objects there is one representation.
  if (endpoint.role !== "proxy") sent.push("accept-encoding", "identity");
  for (const name in located.fields) sent.push(name, located.fields[name] ?? "");
  if (content !== undefined) {
    if (typeof contentLength === "number") sent.push("content-length", String(contentLength));
    else sent.push("transfer-encoding", "chunked");
  } else if (WITH_CONTENT.has(method)) {
    sent.push("content-length", "0");
  }
  // RFC 8586 §2: behind those that the request has come through already.
  sent.push("cdn-loop", loopToken);
  return sent;
}

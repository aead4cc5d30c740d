import { formatHttpDate } from "#http/http-date.ts";
import { FieldSection } from "../fields.ts";
import { hostName, type LiveEndpoint } from "../names.ts";
import type { Reply } from "../reply.ts";
import type { RequestHead } from "../request.ts";
import type { ChallengeDirectory } from "./challenge-directory.ts";

/** RFC 8555 §8.3: where a CA looks, in the clear. */
export const ACME_CHALLENGES = "/.well-known/acme-challenge/";

const NO_FIELDS = new FieldSection("");

/**
 * The key authorization that a request asks for, whoever has an endpoint with that Host. Anything
 * but the exact name and token goes the way that it would go without challenges.
 */
export function keyAuthorizationFor(
  challenges: ChallengeDirectory,
  { method, target, host }: Pick<RequestHead, "method" | "target" | "host">,
): string | undefined {
  if (challenges.isEmpty || !target.startsWith(ACME_CHALLENGES)) return undefined;
  if (method !== "GET" && method !== "HEAD") return undefined;
  return challenges.keyAuthorization(hostName(host), target.slice(ACME_CHALLENGES.length));
}

/** RFC 8555 §8.3: octets, and the same to everyone; good for one validation, so for no cache. */
export function challengeReply(
  keyAuthorization: string,
  asked: {
    readonly method: string;
    readonly requestId: string;
    readonly now: number;
    readonly live: LiveEndpoint | undefined;
  },
): Reply {
  const { method, requestId, now, live } = asked;
  const lines =
    `date: ${formatHttpDate(now)}\r\ncontent-type: application/octet-stream\r\n` +
    "cache-control: no-store\r\n";
  const content = Buffer.from(keyAuthorization, "latin1");
  const head = {
    status: 200,
    section: new FieldSection(lines),
    own: NO_FIELDS,
    requestId,
    contentLength: content.length,
    cache: "NONE",
    live,
  } as const;
  return method === "HEAD" ? head : { ...head, content };
}

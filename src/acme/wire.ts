import { z } from "zod";
import type { Authorization, Challenge, Order } from "./acme.ts";
import { parseCaUrl } from "./directories.ts";
import { notAsExpected, parseJson } from "./failures.ts";
import { AUTHORIZATIONS_MAX, CHALLENGES_MAX, TOKEN_LENGTH_MAX, URL_LENGTH_MAX } from "./limits.ts";
import { parseProblem } from "./problem-document.ts";

// The documents of RFC 8555 §7.1 as they are on the wire, and their one way into ours.

/** RFC 8555 §6.1: a URL of the CA's that may be asked. */
export const CaUrl = z
  .string()
  .max(URL_LENGTH_MAX)
  .refine((text) => parseCaUrl(text) !== undefined, "neither https nor on this machine");
/** RFC 3339, as milliseconds since the epoch. */
const Time = z.iso.datetime({ offset: true }).transform((text) => Date.parse(text));
const Problem = z.unknown().transform((document) => parseProblem(document));
/** RFC 8555 §9.7.7, and case does not count in DNS. */
const Identifier = z.object({ type: z.literal("dns"), value: z.string().max(255).toLowerCase() });

/** §7.1.1, §9.7.6, RFC 9773 §4 and the profiles' draft. */
export const Directory = z.object({
  newNonce: CaUrl,
  newAccount: CaUrl,
  newOrder: CaUrl,
  revokeCert: CaUrl,
  renewalInfo: CaUrl.optional(),
  meta: z
    .object({
      externalAccountRequired: z.boolean().default(false),
      profiles: z.record(z.string(), z.unknown()).default({}),
    })
    .prefault({}),
});

const OrderDocument = z.object({
  status: z.enum(["pending", "ready", "processing", "valid", "invalid"]),
  expires: Time.optional(),
  identifiers: z.array(Identifier).min(1).max(AUTHORIZATIONS_MAX),
  profile: z.string().max(255).optional(),
  authorizations: z.array(CaUrl).max(AUTHORIZATIONS_MAX),
  finalize: CaUrl,
  certificate: CaUrl.optional(),
  error: Problem.optional(),
});

/** §8.1: a token outside of base64url would be a path, or a name, of somebody's choice. */
const ChallengeDocument = z.object({
  type: z.enum(["http-01", "tls-alpn-01", "dns-01"]),
  url: CaUrl,
  token: z
    .string()
    .max(TOKEN_LENGTH_MAX)
    .regex(/^[\w-]+$/),
  status: z.enum(["pending", "processing", "valid", "invalid"]),
  error: Problem.optional(),
});

const AuthorizationDocument = z.object({
  identifier: Identifier,
  wildcard: z.boolean().default(false),
  status: z.enum(["pending", "valid", "invalid", "deactivated", "expired", "revoked"]),
  challenges: z.array(z.unknown()).max(CHALLENGES_MAX),
});

/** RFC 9773 §4.2. */
const RenewalDocument = z.object({
  suggestedWindow: z
    .object({ start: Time, end: Time })
    .refine(({ start, end }) => end > start, "it ends before it starts"),
  explanationURL: z.httpUrl().max(URL_LENGTH_MAX).optional().catch(undefined),
});

/** @throws AcmeError that says what is wrong with it */
export function parseDocument<S extends z.ZodType>(
  schema: S,
  text: string,
  what: string,
): z.output<S> {
  const parsed = schema.safeParse(parseJson(text));
  if (parsed.success) return parsed.data;
  throw notAsExpected(what, z.prettifyError(parsed.error));
}

/** §7.1.3. @param url the order's own, which its document lacks. @throws AcmeError */
export function parseOrder(text: string, url: string, retryAt: number | undefined): Order {
  const { expires, profile, certificate, error, ...rest } = parseDocument(
    OrderDocument,
    text,
    "order",
  );
  return {
    url,
    ...rest,
    ...(expires !== undefined && { expiresAt: expires }),
    ...(profile !== undefined && { profile }),
    ...(certificate !== undefined && { certificate }),
    ...(error !== undefined && { error }),
    ...(retryAt !== undefined && { retryAt }),
  };
}

/** §7.1.4. @param url the authorization's own. @throws AcmeError */
export function parseAuthorization(
  text: string,
  url: string,
  retryAt: number | undefined,
): Authorization {
  const document = parseDocument(AuthorizationDocument, text, "authorization");
  return {
    url,
    ...document,
    challenges: document.challenges.flatMap(parseChallenge),
    ...(retryAt !== undefined && { retryAt }),
  };
}

/** None for a type that is not known, or one that cannot be answered. */
function parseChallenge(document: unknown): Challenge[] {
  const parsed = ChallengeDocument.safeParse(document);
  if (!parsed.success) return [];
  const { error, ...rest } = parsed.data;
  return [{ ...rest, ...(error !== undefined && { error }) }];
}

/** §7.5.1: of one that is read by itself. */
export function parseChallengeStatus(text: string): Challenge["status"] {
  return parseDocument(ChallengeDocument.pick({ status: true }), text, "challenge").status;
}

/** RFC 9773 §4.2. @throws AcmeError */
export function parseRenewal(text: string) {
  return parseDocument(RenewalDocument, text, "renewal information");
}

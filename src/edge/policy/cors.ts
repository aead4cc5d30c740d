import type { CorsRule } from "#feed/entry.ts";
import { fieldOf } from "../fields.ts";
import type { RequestHead } from "../request.ts";
import { CORS_ORIGIN_LENGTH_MAX, CORS_REQUEST_HEADERS_MAX } from "./limits.ts";

/** What the rules of a Space say to a request. Lines end with their CRLF. */
export type Cors =
  /** There are no rules: what the origin says of itself stands. */
  | { readonly kind: "none" }
  /** The request is served, and its reply has these lines and no others of their kind. */
  | { readonly kind: "actual"; readonly lines: string }
  /** The edge answers it itself: 200 without content. */
  | { readonly kind: "preflight-allowed"; readonly lines: string }
  | { readonly kind: "preflight-refused"; readonly status: 403; readonly reason: string };

/** What is asked of a Space's rules. */
export type CorsRequest = Pick<RequestHead, "method" | "fields">;

/** The rule that allows an origin, and the member of it that does. */
interface Match {
  readonly rule: CorsRule;
  readonly pattern: string;
}

/** What replies depend on, whether there was an Origin or not: a browser's cache goes by it too. */
const VARYING = ["Origin", "Access-Control-Request-Headers", "Access-Control-Request-Method"];
const VARY = `vary: ${VARYING.join(", ")}\r\n`;
const IN_VARY: ReadonlySet<string> = new Set(VARYING.map((name) => name.toLowerCase()));

const NO_RULES: Cors = { kind: "none" };
const NO_MATCH: Cors = { kind: "actual", lines: VARY };

/** RFC 9110 §5.1. */
const FIELD_NAME = /^[!#$%&'*+\-.^`|~\w]+$/;

/**
 * Compares a request with a Space's rules as S3 does: the first that allows it is the one that
 * answers. A preflight is an OPTIONS with Origin and Access-Control-Request-Method (Fetch §3.2.2).
 */
export function decideCors(
  rules: readonly CorsRule[] | undefined,
  { method, fields }: CorsRequest,
): Cors {
  if (rules === undefined || rules.length === 0) return NO_RULES;
  const origin = fieldOf(fields, "origin");
  if (origin === undefined) return NO_MATCH;
  if (method === "OPTIONS") {
    const requestedMethod = fieldOf(fields, "access-control-request-method");
    const requestedHeaders = fieldOf(fields, "access-control-request-headers");
    if (requestedMethod !== undefined) {
      return decidePreflight(rules, origin, requestedMethod, requestedHeaders ?? "");
    }
  }
  const match = matchesOf(rules, origin).find(({ rule }) => allowsMethod(rule, method));
  return match === undefined ? NO_MATCH : { kind: "actual", lines: linesOf(match, origin) };
}

/**
 * The fields of an origin's response without what it says to other origins: with rules, that is said
 * of each reply anew, and what one origin was told is never stored for another.
 */
export function withoutCorsFields(fields: readonly string[]): string[] {
  const kept: string[] = [];
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i] ?? "";
    const value = fields[i + 1] ?? "";
    if (name.startsWith("access-control-")) continue;
    const rest = name === "vary" ? withoutVarying(value) : value;
    if (name !== "vary" || rest !== "") kept.push(name, rest);
  }
  return kept;
}

function decidePreflight(
  rules: readonly CorsRule[],
  origin: string,
  method: string,
  requestedHeaders: string,
): Cors {
  const names = listOf(requestedHeaders.toLowerCase());
  if (names.length > CORS_REQUEST_HEADERS_MAX) return refused("It asks for too many headers.");
  if (!names.every((name) => FIELD_NAME.test(name))) {
    return refused("It asks for a header whose name is none.");
  }
  const forOrigin = matchesOf(rules, origin);
  if (forOrigin.length === 0) return refused("No rule allows this origin.");
  const forMethod = forOrigin.filter(({ rule }) => allowsMethod(rule, method));
  if (forMethod.length === 0) return refused("No rule allows this method to this origin.");
  const match = forMethod.find(({ rule }) => allowsHeaders(rule, names));
  if (match === undefined) return refused("No rule allows these headers to this origin.");
  const allowed = names.length > 0 ? `access-control-allow-headers: ${names.join(", ")}\r\n` : "";
  return { kind: "preflight-allowed", lines: allowed + linesOf(match, origin) };
}

function refused(why: string): Cors {
  return { kind: "preflight-refused", status: 403, reason: `CORS: ${why}` };
}

function matchesOf(rules: readonly CorsRule[], origin: string): Match[] {
  if (origin.length > CORS_ORIGIN_LENGTH_MAX) return [];
  return rules.flatMap((rule) => {
    const pattern = rule.allowedOrigins.find((allowed) => fits(allowed, origin));
    return pattern === undefined ? [] : [{ rule, pattern }];
  });
}

/** HEAD is a method of its own to S3: a rule for GET does not allow it. */
function allowsMethod(rule: CorsRule, method: string): boolean {
  return rule.allowedMethods.some((allowed) => allowed === method);
}

/** RFC 9110 §5.1: in any case. These are in lower case. */
function allowsHeaders(rule: CorsRule, names: readonly string[]): boolean {
  const patterns = rule.allowedHeaders.map((pattern) => pattern.toLowerCase());
  return names.every((name) => patterns.some((pattern) => fits(pattern, name)));
}

/** Whether a text is what a pattern with at most one `*`, for any run of characters, describes. */
function fits(pattern: string, text: string): boolean {
  const star = pattern.indexOf("*");
  if (star < 0) return pattern === text;
  const end = pattern.slice(star + 1);
  // Before and after the `*` are different characters of the text.
  if (text.length < star + end.length) return false;
  return text.startsWith(pattern.slice(0, star)) && text.endsWith(end);
}

/** S3 says the same in the answer to a preflight and in the reply that follows it. */
function linesOf({ rule, pattern }: Match, origin: string): string {
  const { allowedMethods, exposeHeaders, maxAgeSeconds } = rule;
  const forAll = pattern === "*";
  return (
    `access-control-allow-origin: ${forAll ? "*" : origin}\r\n` +
    `access-control-allow-methods: ${allowedMethods.join(", ")}\r\n` +
    (exposeHeaders.length > 0
      ? `access-control-expose-headers: ${exposeHeaders.join(", ")}\r\n`
      : "") +
    (maxAgeSeconds === undefined ? "" : `access-control-max-age: ${maxAgeSeconds}\r\n`) +
    // Fetch §3.2.5: credentials and `*` do not go together.
    (forAll ? "" : "access-control-allow-credentials: true\r\n") +
    VARY
  );
}

function withoutVarying(vary: string): string {
  return listOf(vary)
    .filter((name) => !IN_VARY.has(name.toLowerCase()))
    .join(", ");
}

function listOf(value: string): string[] {
  return value
    .split(",")
    .map((member) => member.trim())
    .filter((member) => member !== "");
}

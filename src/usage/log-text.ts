import { LOGGED_CHARS_MAX } from "./limits.ts";

/** Query parameters that are a credential or a signature: S3's, of both its versions. */
const SECRET_PARAMETERS: ReadonlySet<string> = new Set([
  "awsaccesskeyid",
  "signature",
  "x-amz-credential",
  "x-amz-security-token",
  "x-amz-signature",
]);

/** A query that may name one of them, in any case or percent-encoded. */
const MAY_HAVE_SECRET = /signature|accesskeyid|amz-|%/i;

const REDACTED = "[redacted]";
const CUT = "[cut]";

/** What is not itself in a quoted string of ASCII: `"`, `\`, controls, DEL and what is above. */
const NOT_PLAIN = /[^ !\x23-\x5b\x5d-\x7e]/;
const ALL_NOT_PLAIN = new RegExp(NOT_PLAIN, "g");
const NOT_ASCII_OR_DEL = /[\x7f-\uffff]/g;

/** The inside of a JSON string, in ASCII alone: an octet above it is the character of its number. */
export function jsonText(text: string): string {
  if (!NOT_PLAIN.test(text)) return text;
  return JSON.stringify(text).slice(1, -1).replace(NOT_ASCII_OR_DEL, unicodeEscape);
}

/** The inside of a quoted part of nginx's and Apache's combined format. */
export function quotedText(text: string): string {
  return NOT_PLAIN.test(text) ? text.replace(ALL_NOT_PLAIN, octetEscape) : text;
}

/** A target or Referer as it may be logged: without secrets, and not longer than is useful. */
export function loggedUrl(url: string): string {
  if (url.length > LOGGED_CHARS_MAX) return redact(url.slice(0, LOGGED_CHARS_MAX)) + CUT;
  return redact(url);
}

/** Another value that a client chose. */
export function loggedValue(value: string): string {
  return value.length > LOGGED_CHARS_MAX ? value.slice(0, LOGGED_CHARS_MAX) + CUT : value;
}

function redact(url: string): string {
  const query = url.indexOf("?") + 1;
  if (query === 0 || !MAY_HAVE_SECRET.test(url)) return url;
  const parameters = url.slice(query).split("&");
  return url.slice(0, query) + parameters.map(redactParameter).join("&");
}

function redactParameter(parameter: string): string {
  const equals = parameter.indexOf("=");
  if (equals < 0) return parameter;
  const name = parameter.slice(0, equals);
  return SECRET_PARAMETERS.has(decoded(name).toLowerCase()) ? `${name}=${REDACTED}` : parameter;
}

/** Names of parameters are ASCII: `%53ignature` is one that a store would recognise. */
function decoded(name: string): string {
  if (!name.includes("%")) return name;
  return name.replaceAll(/%([0-9a-f]{2})/gi, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
}

function unicodeEscape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

/** Requests are read one character per octet; a character that is none would be a mistake of ours. */
function octetEscape(character: string): string {
  const octet = character.charCodeAt(0) & 0xff;
  return `\\x${octet.toString(16).toUpperCase().padStart(2, "0")}`;
}

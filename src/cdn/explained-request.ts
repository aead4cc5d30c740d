import type { ExplainedRequest } from "#feed/explained.ts";
import { Problem } from "#problem.ts";

/** What an edge takes of a request, about: longer ones are refused before anything is decided. */
const URL_LENGTH_MAX = 16 * 1024;
const METHOD_LENGTH_MAX = 32;
const FIELDS_MAX = 100;
const FIELDS_LENGTH_MAX = 32 * 1024;

/** RFC 9110 §5.6.2. */
const TOKEN = /^[!#$%&'*+\-.^`|~\w]+$/;

/** A request as somebody describes it. */
export interface DescribedRequest {
  readonly url: string;
  readonly method?: string | undefined;
  /** Values by names, in any case. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/**
 * The request that a browser would send for this URL.
 * @throws Problem("unprocessable_entity") that names the member
 */
export function parseExplained(described: DescribedRequest): ExplainedRequest {
  const { url: text, method = "GET", headers = {} } = described;
  const url = text.length <= URL_LENGTH_MAX ? URL.parse(text) : null;
  if (url === null || !/^https?:$/.test(url.protocol) || url.username !== "") {
    throw refused("url: expected an http(s) URL without credentials");
  }
  if (method.length > METHOD_LENGTH_MAX || !TOKEN.test(method)) {
    throw refused("method: expected a method, as GET");
  }
  return {
    isTls: url.protocol === "https:",
    host: url.host,
    target: url.pathname + url.search,
    method,
    fields: fieldsOf(headers),
  };
}

function fieldsOf(headers: Readonly<Record<string, string>>): readonly string[] {
  const fields = Object.entries(headers).flatMap(([name, value]) => [
    name.toLowerCase(),
    value.replace(/^[\t ]+|[\t ]+$/g, ""),
  ]);
  for (const [i, text] of fields.entries()) {
    if (i % 2 === 0 && !TOKEN.test(text)) throw refused("headers: expected names of fields");
    if (text === "host" && i % 2 === 0) throw refused("headers: Host is in the URL");
    // RFC 9110 §5.5: octets, and no line of their own.
    if (!/^[\t\x20-\x7e\x80-\xff]*$/.test(text)) throw refused("headers: expected ASCII values");
  }
  const isTooMuch = fields.length > 2 * FIELDS_MAX || fields.join("").length > FIELDS_LENGTH_MAX;
  if (isTooMuch) throw refused(`headers: expected ${FIELDS_MAX} at most, in 32 KiB`);
  return fields;
}

function refused(message: string): Problem {
  return new Problem("unprocessable_entity", message);
}

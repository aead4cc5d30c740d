import { z } from "zod";
import { BODY_BYTES_MAX, BODY_TIMEOUT_MS } from "#limits.ts";
import { Problem } from "#problem.ts";

/**
 * A request's JSON body. No body at all is `{}`: clients announce JSON and send nothing on a DELETE.
 * @throws Problem("payload_too_large") over 1 MiB; Problem("bad_request") when it is not JSON
 */
export async function readJson(request: Request): Promise<unknown> {
  const bytes = await readBounded(request);
  return bytes.byteLength === 0 ? {} : parseJson(bytes);
}

/**
 * An `application/x-www-form-urlencoded` body, as OAuth's endpoints take it (RFC 6749 appendix B).
 * @throws Problem("payload_too_large")
 */
export async function readForm(request: Request): Promise<unknown> {
  const text = new TextDecoder().decode(await readBounded(request));
  return Object.fromEntries(new URLSearchParams(text));
}

/**
 * A body's members, those that are null left out (CONTRACT §1.5: null is as absent).
 * @throws Problem("unprocessable_entity") that names each member and what it takes
 */
export function parseBody<S extends z.ZodType>(schema: S, body: unknown): z.output<S> {
  const given = Object.entries(membersOf(body)).filter(([, member]) => member !== null);
  return parseMembers(schema, Object.fromEntries(given));
}

/**
 * A patch's members, where null takes away what is there (RFC 7396 §2).
 * @throws Problem("unprocessable_entity") that names each member and what it takes
 */
export function parsePatch<S extends z.ZodType>(schema: S, body: unknown): z.output<S> {
  return parseMembers(schema, membersOf(body));
}

function membersOf(body: unknown): object {
  if (typeof body === "object" && body !== null && !Array.isArray(body)) return body;
  throw new Problem("unprocessable_entity", "The request body must be a JSON object.");
}

/** @throws Problem("unprocessable_entity") that names each member and what it takes */
export function parseMembers<S extends z.ZodType>(schema: S, input: unknown): z.output<S> {
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  const lines = result.error.issues.map((issue) => {
    const member = z.core.toDotPath(issue.path);
    return member === "" ? issue.message : `${member}: ${issue.message}`;
  });
  throw new Problem("unprocessable_entity", lines.join("; "));
}

async function readBounded(request: Request): Promise<Uint8Array> {
  const announced = Number(request.headers.get("content-length") ?? 0);
  if (announced > BODY_BYTES_MAX) throw tooLarge();
  if (request.body === null) return new Uint8Array();
  const reader = request.body.getReader();
  let isLate = false;
  const late = setTimeout(() => {
    isLate = true;
    void reader.cancel();
  }, BODY_TIMEOUT_MS);
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      size += value.byteLength;
      if (size > BODY_BYTES_MAX) throw tooLarge();
      chunks.push(value);
    }
  } finally {
    clearTimeout(late);
  }
  if (isLate) throw tooSlow();
  return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks);
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    // RFC 8259 §8.1: JSON that is exchanged is UTF-8.
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    const why = cause instanceof SyntaxError ? cause.message : "it is not UTF-8";
    throw new Problem("bad_request", `error parsing request body: ${why}`, { cause });
  }
}

function tooSlow(): Problem {
  return new Problem(
    "bad_request",
    `error parsing request body: it did not arrive within ${BODY_TIMEOUT_MS / 1_000} s`,
  );
}

function tooLarge(): Problem {
  return new Problem(
    "payload_too_large",
    `The request body is too large: ${BODY_BYTES_MAX} bytes are allowed.`,
  );
}

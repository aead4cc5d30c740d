import { z } from "zod";
import { BODY_BYTES_MAX } from "#limits.ts";
import { Problem } from "#problem.ts";

/**
 * A request's JSON body as an object, members that are null left out (CONTRACT §1.5: null is as
 * absent). No body at all is `{}`: clients announce JSON and send nothing on a DELETE.
 * @throws Problem("payload_too_large") over 1 MiB; Problem("bad_request") when it is not JSON;
 *   Problem("unprocessable_entity") when it is JSON but no object
 */
export async function readJson(request: Request): Promise<Record<string, unknown>> {
  const bytes = await readBounded(request);
  if (bytes.byteLength === 0) return {};
  const value = parseJson(bytes);
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new Problem("unprocessable_entity", "The request body must be a JSON object.");
  }
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== null));
}

/**
 * An `application/x-www-form-urlencoded` body, as OAuth's endpoints take it (RFC 6749 appendix B).
 * @throws Problem("payload_too_large")
 */
export async function readForm(request: Request): Promise<Record<string, unknown>> {
  const text = new TextDecoder().decode(await readBounded(request));
  return Object.fromEntries(new URLSearchParams(text));
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
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request.body) {
    size += chunk.byteLength;
    if (size > BODY_BYTES_MAX) throw tooLarge();
    chunks.push(chunk);
  }
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

function tooLarge(): Problem {
  return new Problem(
    "payload_too_large",
    `The request body is too large: ${BODY_BYTES_MAX} bytes are allowed.`,
  );
}

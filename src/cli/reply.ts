import type { Readable } from "node:stream";
import { z } from "zod";
import { CommandError } from "./world.ts";

/** A page of 1,000 objects with keys of 1,024 bytes is a good megabyte. */
const REPLY_BYTES_MAX = 16_777_216;

/** The API's error body (CONTRACT §1.1). */
const Failure = z.looseObject({
  id: z.string().optional(),
  message: z.string(),
  request_id: z.string().optional(),
});

/** A reply without a body, as 204 is. */
export const Nothing = z.undefined();

/**
 * Reads a reply of the API as what it should be.
 * @throws CommandError when the server is another one than we think
 */
export async function readReply<S extends z.ZodType>(
  reply: S,
  body: Readable,
): Promise<z.output<S>> {
  const value = parseJson(await readText(body));
  const parsed = reply.safeParse(value);
  if (parsed.success) return parsed.data;
  if (value === NOT_JSON) throw new CommandError("The server's answer is not JSON: is it Atoll?");
  const mistake = z.prettifyError(parsed.error);
  throw new CommandError(`The server's answer is not what this version expects:\n${mistake}`);
}

/** What the server says when it refuses: its message and the number to find it by in its log. */
export async function readRefusal(
  status: number,
  requestIdHeader: string | string[] | undefined,
  body: Readable,
): Promise<CommandError> {
  const failure = Failure.safeParse(parseJson(await readText(body))).data;
  const requestId = failure?.request_id ?? [requestIdHeader].flat()[0];
  const message = failure?.message ?? `The server answered ${status}, and no JSON: is it Atoll?`;
  return new CommandError(message, { id: failure?.id, requestId });
}

const NOT_JSON = Symbol("not JSON");

function parseJson(text: string): unknown {
  if (text === "") return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return NOT_JSON; // A proxy's own page, say; the callers know what that means.
  }
}

async function readText(body: Readable): Promise<string> {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    sizeBytes += chunk.byteLength;
    if (sizeBytes > REPLY_BYTES_MAX) throw new CommandError("The server's answer is too long.");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

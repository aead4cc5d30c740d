import type { ServerResponse } from "node:http";
import type { OpenBlob } from "./blob.ts";
import { READ_BYTES } from "./limits.ts";

/** Buffers that are kept for the next reader: more than this many at once are made and forgotten. */
const KEPT_BUFFERS_MAX = 64;

const kept: Buffer[] = [];

/**
 * Sends a part of a file, whose first and last position are inclusive. One buffer goes back and forth
 * between the disk and the socket: a stream would make a new one for each read.
 * @throws Error when the file ends before, or the client is gone
 */
export async function send(
  response: ServerResponse,
  file: Pick<OpenBlob, "readInto">,
  first: number,
  last: number,
): Promise<void> {
  const buffer = kept.pop() ?? Buffer.allocUnsafeSlow(READ_BYTES);
  let position = first;
  while (position <= last) {
    const bytes = await file.readInto(buffer, Math.min(READ_BYTES, last - position + 1), position);
    if (bytes === 0) throw new Error("A blob's file is shorter than it was when it was opened");
    position += bytes;
    await written(response, buffer.subarray(0, bytes));
  }
  // Only now nobody has it any more: after a failure the socket might still.
  if (kept.length < KEPT_BUFFERS_MAX) kept.push(buffer);
  response.end();
}

/** The kernel has it, or the client is gone. */
async function written(response: ServerResponse, chunk: Buffer): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const gone = (): void => reject(clientGone());
  if (response.destroyed) throw clientGone();
  response.once("close", gone);
  response.write(chunk, (error) => {
    if (error === undefined || error === null) resolve();
    else reject(error);
  });
  try {
    await promise;
  } finally {
    response.off("close", gone);
  }
}

function clientGone(): Error {
  return Object.assign(new Error("The client is gone"), { code: "ECONNRESET" });
}

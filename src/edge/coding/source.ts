import { createHash } from "node:crypto";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Body } from "../cache/body.ts";
import type { ContentReader } from "../cache/content-reader.ts";
import { SLICE_BYTES } from "../limits.ts";
import { COMPRESSIBLE_BYTES_MAX } from "./limits.ts";

/**
 * What tells these octets from all others, once all of them are there. `undefined`: they never will
 * be, are not kept, or are too many. It takes 1 ms for 1 MiB, and lets others have their turn.
 */
export async function digestOf(body: Body): Promise<string | undefined> {
  const hash = createHash("sha256");
  const reader = body.read();
  let turnBytes = 0;
  try {
    for (;;) {
      const part = reader.read();
      if (!body.retained || body.sizeBytes > COMPRESSIBLE_BYTES_MAX) return undefined;
      if (part === "truncated") return undefined;
      if (part === "end") return hash.digest("base64url");
      if (part === "pending") {
        await new Promise<void>((resolve) => reader.whenReadable(resolve));
        continue;
      }
      hash.update(part);
      turnBytes += part.length;
      if (turnBytes < SLICE_BYTES) continue;
      turnBytes = 0;
      await nextTurn();
    }
  } finally {
    reader.close();
  }
}

/** The octets of a whole body, as an encoder reads them. */
export async function* octetsOf(reader: ContentReader): AsyncGenerator<Buffer, void, undefined> {
  for (let part = reader.read(); typeof part !== "string"; part = reader.read()) yield part;
}

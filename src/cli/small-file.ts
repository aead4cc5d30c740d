import { open } from "node:fs/promises";
import { CommandError } from "./world.ts";

/**
 * The text of a file that is no larger than what it is for.
 * @throws CommandError when it cannot be read, or is larger; never with a piece of it
 */
export async function readSmallFile(path: string, bytesMax: number): Promise<string> {
  await using file = await open(path, "r").catch((error: Error) => {
    throw new CommandError(`Cannot read it: ${error.message}`, { cause: error });
  });
  const stats = await file.stat();
  if (stats.isDirectory()) throw new CommandError(`${path} is a folder.`);
  const buffer = Buffer.alloc(bytesMax + 1);
  let size = 0;
  // A pipe gives what it has, and more later.
  for (;;) {
    const { bytesRead } = await file.read(buffer, size, buffer.byteLength - size);
    size += bytesRead;
    if (bytesRead === 0 || size === buffer.byteLength) break;
  }
  if (size > bytesMax) {
    throw new CommandError(`${path} is larger than the ${bytesMax} bytes that it may have.`);
  }
  return buffer.toString("utf8", 0, size);
}

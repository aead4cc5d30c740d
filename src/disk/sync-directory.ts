import { open } from "node:fs/promises";

/** A rename is durable once its folder is. */
export async function syncDirectory(path: string): Promise<void> {
  await using handle = await open(path, "r");
  await handle.sync();
}

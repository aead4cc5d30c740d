import { execPath } from "node:process";
import { fileURLToPath } from "node:url";
import { runLoad, SERVER_CORE } from "./program.ts";
import type { Setting } from "./server.ts";

/** Programs of our own that look into an edge, or into what it has stored, from the inside. */
const PROGRAMS = {
  "fill-folder": new URL("./inside/fill-folder.ts", import.meta.url),
  memory: new URL("./inside/memory.ts", import.meta.url),
  purge: new URL("./inside/purge.ts", import.meta.url),
} as const;

/** For a million objects, which take 1 GiB of it. */
const HEAP_MIB_MAX = 8_192;

/** Ten times what the slowest takes for each when nobody disturbs it: that asks for them twice. */
const SECONDS_PER_OBJECT = 0.005;

/** Runs one on the servers' core, and returns what it printed. */
export function runInside(
  program: keyof typeof PROGRAMS,
  args: readonly (string | number)[],
  { objects, setting }: { readonly objects: number; readonly setting: Setting },
): Promise<string> {
  const path = fileURLToPath(PROGRAMS[program]);
  return runLoad({
    program: execPath,
    args: [`--max-old-space-size=${HEAP_MIB_MAX}`, path, ...args.map(String)],
    seconds: objects * SECONDS_PER_OBJECT,
    signal: setting.signal,
    core: SERVER_CORE,
  });
}

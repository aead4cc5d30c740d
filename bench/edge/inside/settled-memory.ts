import { memoryUsage } from "node:process";
import { setTimeout } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

const COLLECTIONS = 4;
/** For what the collector does behind our back, and what waits for a timer. */
const PAUSE_MS = 200;

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

/** What this process takes once all that could be let go has been. */
export async function settledMemory(): Promise<NodeJS.MemoryUsage> {
  for (let i = 0; i < COLLECTIONS; i += 1) {
    collectGarbage();
    await setTimeout(PAUSE_MS);
  }
  return memoryUsage();
}

import { Body } from "../cache/body.ts";
import type { MemoryBudget } from "../cache/memory-budget.ts";
import { FileBody } from "../disk/file-body.ts";

/** What came from disk, to be kept in memory; undefined if there is no room for it. */
export function wholeBody(found: Buffer | FileBody, budget: MemoryBudget): Body | undefined {
  const octets = found instanceof FileBody ? found.whole() : found;
  if (octets === undefined) return undefined;
  const body = new Body(budget, "retained");
  body.hold();
  if (octets.length > 0) body.append(octets);
  const fits = body.retained;
  body.end("whole");
  // Whoever reads it, or stores it, holds it by then.
  setImmediate(() => body.release());
  return fits ? body : undefined;
}

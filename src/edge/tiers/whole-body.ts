import { Body } from "../cache/body.ts";
import type { MemoryBudget } from "../cache/memory-budget.ts";

/** What came from disk, to be kept in memory; undefined if there is no room for it. */
export function wholeBody(octets: Buffer, budget: MemoryBudget): Body | undefined {
  const body = new Body(budget, "retained");
  body.hold();
  if (octets.length > 0) body.append(octets);
  const fits = body.retained;
  body.end("whole");
  // Whoever reads it, or stores it, holds it by then.
  setImmediate(() => body.release());
  return fits ? body : undefined;
}

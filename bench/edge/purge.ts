import { median } from "../processes.ts";
import type { Bench } from "./bench.ts";
import { runInside } from "./inside.ts";
import { markdown } from "./table.ts";

const OBJECTS = 1_000_000;
const PURGES = 100;

/** In milliseconds, one for each purge. */
interface Seen {
  readonly applyMs: readonly number[];
  readonly recordMs: readonly number[];
  readonly missMs: readonly number[];
  readonly hitMs: readonly number[];
}

/** How long Atoll's purge of everything takes until it is in force, and what comes after it. */
export async function purge({ options, setting }: Bench): Promise<string> {
  const objects = options.stored ?? OBJECTS;
  const args = [setting.origin, objects, PURGES];
  const printed = await runInside("purge", args, { objects, setting });
  const { applyMs, recordMs, missMs, hitMs } = JSON.parse(printed) as Seen;
  const row = (name: string, ms: readonly number[]): string[] => [
    name,
    ...[ms[0] ?? Number.NaN, median(ms), Math.max(...ms)].map((value) => value.toFixed(3)),
  ];
  return markdown(
    [`ms, ${objects.toLocaleString("en")} objects in memory`, "the first", "median", "the longest"],
    [
      row("the purge of `*` as the feed brings it, until it is in force", applyMs),
      row("of it the endpoint's list of purges", recordMs),
      row(
        "the first request after it, for one of them: a miss, fetched on a kept connection",
        missMs,
      ),
      row("the next one, a hit", hitMs),
    ],
  );
}

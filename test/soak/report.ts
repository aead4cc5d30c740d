import type { Trial } from "./trial.ts";
import { inMib } from "./vitals.ts";

/** What was done, in a few lines. */
export function report(trial: Trial, say: (line: string) => void): void {
  const { tally, journal, memory, program, elder, kills } = trial;
  say("answers:");
  for (const [client, count] of tally.whole) say(`  ${String(count).padStart(8)}  ${client}`);
  say(`  ${String(tally.wholeCount).padStart(8)}  in all; x-cache: ${pairs(tally.caches)}`);
  say(`excused: ${pairs(tally.excused)}; workers killed: ${kills.length}`);
  const memoryOf = (pid: number) => `${inMib(memory.warm(pid))} → ${inMib(memory.late(pid))}`;
  say(`memory, warm → late: oldest worker ${memoryOf(elder)}, parent ${memoryOf(program.pid)}`);
  say(`log: ${pairs(journal.counts)}`);
}

export function pairs(counts: ReadonlyMap<string, number>): string {
  return [...counts].map(([name, count]) => `${name} ${count}`).join(", ");
}

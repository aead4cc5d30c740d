import { mkdtemp, readdir, rm } from "node:fs/promises";
import type { RequestListener } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { manualClock } from "#clock.ts";
import { type EdgeUnderTest, fetchOnce, NOON, startEdge } from "../support.ts";

/** Edges one after another over one folder, of one clock: as a worker that is started again. */
export interface Restarts extends AsyncDisposable {
  readonly folder: string;
  readonly clock: ReturnType<typeof manualClock>;
  /** All that an edge has put is written when it ends. */
  run(visit: (edge: EdgeUnderTest) => Promise<void>): Promise<void>;
  /** The files of entries. */
  files(): Promise<string[]>;
}

export async function restarts(
  answer: RequestListener,
  options: Parameters<typeof startEdge>[1] = {},
): Promise<Restarts> {
  const folder = await mkdtemp(join(tmpdir(), "atoll-tiers-"));
  const clock = manualClock(NOON);
  return {
    folder,
    clock,
    run: async (visit) => {
      await using edge = await startEdge(answer, { disk: folder, clock, ...options });
      await visit(edge);
    },
    files: async () => {
      const entries = await readdir(folder, { recursive: true, withFileTypes: true });
      return entries
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name));
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

/** How a request was answered, and with what. */
export async function said(
  edge: EdgeUnderTest,
  target: string,
  ...lines: string[]
): Promise<readonly unknown[]> {
  const { fields, body } = await fetchOnce(edge, target, ...lines);
  return [fields.get("x-cache"), body.toString()];
}

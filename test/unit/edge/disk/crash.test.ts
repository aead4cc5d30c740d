import assert from "node:assert/strict";
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { readdir } from "node:fs/promises";
import { describe, test } from "node:test";
import { bodyOf, KEYS, keyOf } from "./crash-writer.ts";
import { aDisk } from "./support.ts";

const WRITER = new URL("crash-writer.ts", import.meta.url);

/** Lets a process write for as long as it takes to tell of so many entries, and kills it. */
async function killedAfter(reports: number, folder: string): Promise<ChildProcess> {
  const writer = fork(WRITER, [folder]);
  for (let i = 0; i < reports; i += 1) await once(writer, "message");
  const exited = once(writer, "exit");
  writer.kill("SIGKILL");
  await exited;
  return writer;
}

describe("a worker that is killed while it writes", () => {
  test("leaves whole entries and none that are not, and what it left over is cleared up", async () => {
    await using disk = await aDisk();
    let found = 0;
    for (let round = 1; round <= 20; round += 1) {
      const { pid = 0 } = await killedAfter(1 + (round % 5), disk.folder);
      const tier = disk.tier();
      for (let i = 0; i < KEYS; i += 1) {
        const entry = await tier.get(keyOf(i));
        if (entry === undefined) continue;
        found += 1;
        assert.deepEqual(entry.body, bodyOf(i, entry.head), keyOf(i));
      }
      assert.equal(tier.stats().corrupt, 0);
      await tier.close();
      const keeper = disk.keeper();
      await keeper.workerGone(0, pid);
      const left = (await readdir(disk.root)).filter((name) => name.startsWith("tmp-0-"));
      assert.deepEqual(left, []);
    }
    assert(found > 100, `${found} entries were found`);
  });
});

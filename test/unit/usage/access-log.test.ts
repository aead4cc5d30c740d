import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setTimeout as delay, setImmediate as turn } from "node:timers/promises";
import { manualClock } from "#clock.ts";
import { AccessLog } from "#usage/access-log.ts";
import {
  LOG_FLUSH_INTERVAL_MS,
  LOG_LOSS_REPORT_INTERVAL_MS,
  LOG_PAGE_BYTES,
  LOG_PAGES_MAX,
} from "#usage/limits.ts";
import { HeldSink, keptLog, recordOf } from "./support.ts";

/** Lines that are the status of their record, so that order and loss are seen. */
function started(lineBytes = 8) {
  const sink = new HeldSink();
  const clock = manualClock(0);
  const log = keptLog();
  let dropped = 0;
  const access = new AccessLog({
    sink,
    clock,
    log,
    format: ({ status }) => `${String(status).padStart(lineBytes - 1, ".")}\n`,
    dropped: (lines) => {
      dropped += lines;
    },
  });
  let noted = 0;
  const note = (count: number): void => {
    for (let i = 0; i < count; i += 1) access.note(recordOf({ status: noted++ }));
  };
  return { access, sink, clock, log, note, dropped: () => dropped };
}

describe("the access log", () => {
  test("writes within its interval, and all that waits in one write", async () => {
    const { sink, note } = started();
    note(3);
    assert.equal(sink.writes, 0);
    await delay(LOG_FLUSH_INTERVAL_MS * 3);
    assert.deepEqual(sink.lines(), ["......0", "......1", "......2"]);
    assert.equal(sink.writes, 1);
  });

  test("keeps the order in which exchanges ended, over many batches and pages", async () => {
    const { access, sink, note } = started(1_000);
    for (let i = 0; i < 50; i += 1) {
      note(77);
      if (i % 3 === 0) await turn();
    }
    note(5_000);
    await access.close();
    const numbers = sink.lines().map((line) => Number(line.replaceAll(".", "")));
    assert.deepEqual(
      numbers,
      Array.from({ length: 50 * 77 + 5_000 }, (_, i) => i),
    );
  });

  test("starts no second write while one lasts, and then writes what has come", async () => {
    const { access, sink, note } = started();
    sink.held = true;
    note(1);
    access.flush();
    note(2);
    access.flush();
    await turn();
    assert.equal(sink.writes, 1);
    sink.release();
    await turn();
    assert.equal(sink.writes, 2);
    assert.equal(sink.lines().length, 3);
  });

  test("loses lines of whole pages when the disk stands still, and counts them", async () => {
    const { access, sink, note, log, dropped } = started(1_000);
    sink.held = true;
    const linesPerPage = Math.floor(LOG_PAGE_BYTES / 1_000);
    note(linesPerPage * (LOG_PAGES_MAX + 20));
    assert(dropped() > linesPerPage * 15, String(dropped()));
    assert.match(String(log.warnings[0]?.["err"]), /too slowly/);
    sink.release();
    await access.close();
    assert.equal(sink.lines().length + dropped(), linesPerPage * (LOG_PAGES_MAX + 20));
  });

  test("counts the lines of a write that failed, also one that stopped in a line", async () => {
    const { access, sink, note, dropped } = started(10);
    sink.failure = new Error("ENOSPC: no space left on device, write");
    sink.taken = 25;
    note(5);
    access.flush();
    await turn();
    assert.equal(dropped(), 3);
  });

  test("reports losses at once and then once a minute, with all since", async () => {
    const { access, sink, note, log, clock } = started();
    sink.failure = new Error("ENOSPC: no space left on device, write");
    for (let second = 0; second < 61; second += 1) {
      note(2);
      access.flush();
      await turn();
      clock.advance(1_000);
    }
    assert.equal(LOG_LOSS_REPORT_INTERVAL_MS, 60_000);
    assert.deepEqual(
      log.warnings.map((warning) => warning["lines_dropped"]),
      [2, 120],
    );
  });

  test("ends though the disk stands still", async () => {
    const { access, sink, note } = started();
    sink.held = true;
    note(1);
    await access.close();
    assert.equal(sink.text, "");
  });

  test("passes on the wish for a new file", () => {
    const { access, sink } = started();
    access.reopen();
    assert.equal(sink.text, "reopened\n");
  });
});

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { SLICE_AHEAD_MAX, SLICE_PAUSE_TIMEOUT_MS } from "#edge/slices/limits.ts";
import { fillUp, type SourceUnderTest, serveAll, settled, sourceUnderTest } from "./source.ts";
import { Content, MIB } from "./support.ts";

const CONTENT = new Content(40 * MIB);
const { length: LENGTH } = CONTENT;

function fetchedSlices({ fetches }: SourceUnderTest): readonly string[] {
  return fetches.map(({ slices }) => slices);
}

describe("the slices of one body", () => {
  test("are asked for by its validator, in runs that double while a reader goes on", async () => {
    const under = sourceUnderTest(CONTENT);
    await serveAll(under, under.reader(0, 10 * MIB).follow());
    assert.deepEqual(fetchedSlices(under), ["0-1", "2-5", "6-9"]);
    for (const { fields } of under.fetches) assert.deepEqual(fields, ["if-range", '"a"']);
  });

  test("are fetched for one who seeks, whatever else is on its way", () => {
    const under = sourceUnderTest(CONTENT);
    under.reader(0, LENGTH).take();
    under.reader(30 * MIB, LENGTH).take();
    assert.deepEqual(fetchedSlices(under), ["0-1", "30-30"]);
  });

  test("come by one fetch to all who wait for them", async () => {
    const under = sourceUnderTest(CONTENT);
    const readers = Array.from({ length: 20 }, () => under.reader(MIB + 1, 2 * MIB - 1));
    for (const reader of readers) assert.equal(reader.take(), "pending");
    under.last().answer();
    await settled();
    under.last().send(MIB);
    for (const reader of readers) assert.equal(reader.take(), "end");
    assert.equal(under.fetches.length, 1);
  });

  test("are fetched up to the next that is kept", async () => {
    const under = sourceUnderTest(CONTENT);
    await serveAll(under, under.reader(5 * MIB, 6 * MIB));
    await serveAll(under, under.reader(0, 8 * MIB));
    assert.deepEqual(fetchedSlices(under), ["5-5", "0-0", "1-2", "3-4", "6-6", "7-7"]);
  });
});

describe("a run of slices", () => {
  /** A run that nobody has read from. */
  async function longRun(): Promise<SourceUnderTest & { readonly take: () => string }> {
    const under = sourceUnderTest(CONTENT);
    await serveAll(under, under.reader(0, 15 * MIB).follow());
    const reader = under.reader(15 * MIB, LENGTH);
    reader.take();
    under.last().answer();
    await settled();
    assert.equal(under.last().slices, "15-39");
    return { ...under, take: () => reader.take() };
  }

  test("goes a few slices ahead of its fastest reader, and waits for it", async () => {
    const { last, take } = await longRun();
    const sentBytes = last().send(Infinity);
    assert(last().isHeldBack);
    assert(sentBytes > SLICE_AHEAD_MAX * MIB && sentBytes < (SLICE_AHEAD_MAX + 2) * MIB);
    take();
    await settled();
    assert.equal(last().isHeldBack, false);
    assert.equal(last().slices, "15-39");
  });

  test("gives its connection back when all who read have stopped for long", async (t) => {
    t.mock.timers.enable({ apis: ["setTimeout"] });
    const { last, take, fetches } = await longRun();
    last().send(Infinity);
    t.mock.timers.tick(SLICE_PAUSE_TIMEOUT_MS - 1);
    assert.equal(last().signal.aborted, false);
    t.mock.timers.tick(1);
    assert.equal(last().signal.aborted, true);
    const count = fetches.length;
    assert.equal(take(), "pending");
    assert.equal(fetches.length, count + 1);
    assert.match(last().slices, /^20-/);
  });

  test("ends with the slice that it is at when its last reader leaves", async () => {
    const { reader, last, kept } = sourceUnderTest(CONTENT);
    const only = reader(0, 3 * MIB).follow();
    last().answer();
    await settled();
    assert.equal(last().slices, "0-1");
    last().send(1.5 * MIB);
    only.reader.close();
    assert.equal(last().signal.aborted, false);
    last().send(Infinity);
    assert.equal(last().signal.aborted, true);
    assert.deepEqual([...kept.keys()], ["#g/0", "#g/1"]);
  });

  test("is given up before its answer when its last reader leaves", async () => {
    const { reader, last, budget } = sourceUnderTest(CONTENT);
    const only = reader(0, 3 * MIB);
    only.take();
    only.reader.close();
    assert.equal(last().signal.aborted, true);
    last().answer();
    await settled();
    assert.equal(budget.used, 0);
  });

  test("that breaks off is taken up by another, three in all for one slice", async () => {
    const { reader, fetches, last } = sourceUnderTest(CONTENT);
    const only = reader(0, MIB);
    for (let failures = 0; failures < 3; failures += 1) {
      assert.equal(only.take(), "pending");
      last().answer();
      await settled();
      last().send((failures + 1) * 100_000);
      only.take();
      last().fail();
    }
    assert.equal(only.take(), "truncated");
    assert.equal(only.reader.position, 300_000);
    assert.equal(fetches.length, 3);
  });

  test("that finds no origin is begun again as often", async () => {
    const { reader, fetches, last } = sourceUnderTest(CONTENT);
    const only = reader(0, MIB).follow();
    for (let failures = 0; failures < 3; failures += 1) {
      last().refuse();
      await settled();
    }
    assert.equal(only.state, "truncated");
    assert.equal(fetches.length, 3);
  });

  test("is not begun again for one who has been told that no more comes", async () => {
    const { reader, fetches, last } = sourceUnderTest(CONTENT);
    const cut = reader(0, MIB).reader;
    // A connection takes a moment to end, and is woken until then.
    cut.whenReadable(() => void cut.read());
    cut.read();
    for (let failures = 0; failures < 5; failures += 1) {
      last().refuse();
      await settled();
    }
    assert.equal(cut.read(), "truncated");
    assert.equal(fetches.length, 3);
  });

  const others: readonly (readonly [string, number, readonly string[]])[] = [
    ["another version", 200, ["etag", '"b"']],
    ["a part of another version", 206, ["etag", '"b"', "content-range", `bytes 0-9/${LENGTH}`]],
    ["a part of another length", 206, ["etag", '"a"', "content-range", "bytes 0-9/10"]],
    ["a 404", 404, []],
  ];
  for (const [what, status, fields] of others) {
    test(`that is answered with ${what} brings nothing, and says that it is outdated`, async () => {
      const { source, reader, fetches, last, kept } = sourceUnderTest(CONTENT);
      let outdated = 0;
      source.whenOutdated(() => {
        outdated += 1;
      });
      const only = reader(0, MIB).follow();
      last().answer({ status, fields, length: LENGTH });
      await settled();
      assert.equal(only.state, "truncated");
      assert.deepEqual([outdated, fetches.length, kept.size], [1, 1, 0]);
    });
  }

  test("of an origin that ignores ranges is all the rest", async () => {
    const under = sourceUnderTest(CONTENT);
    const only = under.reader(2 * MIB, LENGTH).follow();
    under.last().answer({ status: 200, fields: ["etag", '"a"'], length: LENGTH });
    await settled();
    assert.equal(under.fetches.length, 1);
    under.last().sendWhole();
    assert.equal(only.state, "end");
    assert.equal(under.fetches.length, 1);
  });
});

describe("slices for which there is no memory", () => {
  for (const pace of ["at once", "when it may"]) {
    test(`reach whole who takes them ${pace}, and are not kept`, async () => {
      const under = sourceUnderTest(CONTENT);
      fillUp(under.budget);
      const only = under.reader(10, 4 * MIB);
      const polls = pace !== "at once";
      if (!polls) only.follow();
      await serveAll(under, only, { bytes: MIB / 16, polls });
      assert.equal(only.reader.position, 4 * MIB);
      assert.deepEqual(fetchedSlices(under), ["0-1", "2-3"]);
      assert.equal(under.kept.size, 0);
      await settled();
      assert.equal(under.budget.used, under.budget.bytesMax);
    });
  }

  test("are fetched again for one who comes when their beginning is gone", async () => {
    const under = sourceUnderTest(CONTENT);
    fillUp(under.budget);
    const first = under.reader(0, MIB).follow();
    under.last().answer();
    await settled();
    for (let i = 0; i < 4; i += 1) {
      under.last().send(MIB / 16);
      await settled();
    }
    const late = under.reader(5, MIB);
    await serveAll(under, late, { bytes: MIB / 16 });
    assert.equal(late.reader.position, MIB);
    assert.equal(first.state, "pending");
  });
});

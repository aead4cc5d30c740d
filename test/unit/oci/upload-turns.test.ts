import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { manualClock } from "#clock.ts";
import { newHash } from "#oci/digest.ts";
import { KEPT_HASHES_MAX, UPLOAD_LOCK_WAIT_MS, UPLOAD_STALL_MS } from "#oci/limits.ts";
import { Refusal } from "#oci/refusal.ts";
import { UploadTurns } from "#oci/upload-turns.ts";

const keep = (): void => undefined;

describe("writers of one upload", () => {
  test("have it one after the other, and those of others do not wait", async () => {
    const turns = new UploadTurns(manualClock(0));
    const order: string[] = [];
    const first = Promise.withResolvers<void>();
    const one = turns.run("a", keep, async () => {
      await first.promise;
      order.push("one");
    });
    const two = turns.run("a", keep, async () => {
      order.push("two");
    });
    await turns.run("b", keep, async () => {
      order.push("other");
    });
    assert(turns.isBusy("a") && !turns.isBusy("b"));
    first.resolve();
    await Promise.all([one, two]);
    assert.deepEqual(order, ["other", "one", "two"]);
  });

  test("that have gone silent are cut when somebody waits", async () => {
    const clock = manualClock(0);
    const turns = new UploadTurns(clock);
    const dead = Promise.withResolvers<never>();
    const silent = turns.run(
      "a",
      () => dead.reject(new Error("cut")),
      () => dead.promise,
    );
    const failed = assert.rejects(silent, /cut/);
    clock.advance(UPLOAD_STALL_MS);
    assert.equal(await turns.run("a", keep, async () => "resumed"), "resumed");
    await failed;
  });

  test("that go on are waited for, but not for ever", async () => {
    const clock = manualClock(0);
    const turns = new UploadTurns(clock);
    const end = Promise.withResolvers<void>();
    let noteActivity = keep;
    const busy = turns.run("a", assert.fail, async (note) => {
      noteActivity = note;
      await end.promise;
    });
    const waiting = turns.run("a", keep, async () => undefined);
    clock.advance(UPLOAD_LOCK_WAIT_MS);
    noteActivity();
    await assert.rejects(waiting, { code: "TOOMANYREQUESTS" });
    end.resolve();
    await busy;
  });

  test("who fails leaves it to the next", async () => {
    const turns = new UploadTurns(manualClock(0));
    await assert.rejects(
      turns.run("a", keep, async () => {
        throw new Refusal("SIZE_INVALID", "x");
      }),
    );
    assert.equal(await turns.run("a", keep, async () => 1), 1);
  });
});

describe("a hash under way", () => {
  test("is handed out once, and for exactly the octets that it is of", () => {
    const turns = new UploadTurns(manualClock(0));
    const kept = { algorithm: "sha256", hash: newHash("sha256"), sizeBytes: 5 } as const;
    turns.keepHash("a", { ...kept });
    assert.equal(turns.takeHash("a", 6), undefined, "the file has more");
    turns.keepHash("a", { ...kept });
    assert.equal(turns.takeHash("a", 5)?.sizeBytes, 5);
    assert.equal(turns.takeHash("a", 5), undefined);
  });

  test("is forgotten when there are too many, the oldest first", () => {
    const turns = new UploadTurns(manualClock(0));
    for (let index = 0; index <= KEPT_HASHES_MAX; index += 1) {
      turns.keepHash(`${index}`, { algorithm: "sha256", hash: newHash("sha256"), sizeBytes: 1 });
    }
    assert.equal(turns.takeHash("0", 1), undefined);
    assert(turns.takeHash("1", 1));
  });
});

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Together } from "../../src/together.ts";

describe("resources that end together", () => {
  test("begin to end at the same time, so that they share one grace period", async () => {
    const ended: string[] = [];
    const first = Promise.withResolvers<void>();
    {
      await using together = new Together();
      together.use({
        [Symbol.asyncDispose]: async () => {
          await first.promise;
          ended.push("waits for the second");
        },
      });
      together.use({
        [Symbol.asyncDispose]: async () => {
          ended.push("second");
          first.resolve();
        },
      });
    }
    assert.deepEqual(ended, ["second", "waits for the second"]);
  });

  test("all end, and the failure of one is told", async () => {
    let hasEnded = false;
    const together = new Together();
    together.use({
      [Symbol.asyncDispose]: async () => {
        throw new Error("would not end");
      },
    });
    together.use({
      [Symbol.asyncDispose]: async () => {
        hasEnded = true;
      },
    });
    await assert.rejects(together[Symbol.asyncDispose](), /would not end/);
    assert(hasEnded);
  });
});

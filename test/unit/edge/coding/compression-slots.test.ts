import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { CompressionSlots } from "#edge/coding/compression-slots.ts";
import {
  COMPRESSION_WAIT_MS,
  COMPRESSIONS_MAX,
  COMPRESSIONS_WAITING_MAX,
} from "#edge/coding/limits.ts";

const NEVER = new AbortController().signal;

/** Slots of which none is free, and those who hold them. */
async function taken() {
  const slots = new CompressionSlots();
  const held: Disposable[] = [];
  for (let i = 0; i < COMPRESSIONS_MAX; i += 1) {
    const slot = await slots.take(NEVER);
    assert(typeof slot !== "string");
    held.push(slot);
  }
  const [first] = held;
  assert(first !== undefined);
  return { slots, held, first };
}

describe("a slot for a compression", () => {
  test("goes to who waits for it when another is done", async () => {
    const { slots, first } = await taken();
    const waiting = slots.take(NEVER);
    first[Symbol.dispose]();
    assert.notEqual(typeof (await waiting), "string");
  });

  test("is given back once, however often", async (context) => {
    context.mock.timers.enable({ apis: ["setTimeout"] });
    const { slots, first } = await taken();
    first[Symbol.dispose]();
    first[Symbol.dispose]();
    const granted = await slots.take(NEVER);
    assert.notEqual(typeof granted, "string");
    const waiting = slots.take(NEVER);
    context.mock.timers.tick(COMPRESSION_WAIT_MS);
    assert.equal(await waiting, "late");
  });

  test("is not waited for for long", async (context) => {
    context.mock.timers.enable({ apis: ["setTimeout"] });
    const { slots } = await taken();
    const waiting = slots.take(NEVER);
    context.mock.timers.tick(COMPRESSION_WAIT_MS);
    assert.equal(await waiting, "late");
  });

  test("is not waited for by any number", async (context) => {
    context.mock.timers.enable({ apis: ["setTimeout"] });
    const { slots } = await taken();
    const waiting = Array.from({ length: COMPRESSIONS_WAITING_MAX }, () => slots.take(NEVER));
    assert.equal(await slots.take(NEVER), "full");
    context.mock.timers.tick(COMPRESSION_WAIT_MS);
    assert.equal(
      (await Promise.all(waiting)).every((answer) => answer === "late"),
      true,
    );
  });

  test("is not waited for by who has left", async () => {
    const { slots } = await taken();
    const controller = new AbortController();
    const waiting = slots.take(controller.signal);
    controller.abort();
    assert.equal(await waiting, "aborted");
  });
});

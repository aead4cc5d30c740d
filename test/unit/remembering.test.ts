import assert from "node:assert/strict";
import { test } from "node:test";
import { remembering } from "#remembering.ts";

test("what was made of a text lately is not made again, and memory stays bounded", () => {
  const made: string[] = [];
  const upper = remembering((text) => {
    made.push(text);
    return { text: text.toUpperCase() };
  });
  assert.equal(upper("a").text, "A");
  assert.equal(upper("a"), upper("a"));
  assert.deepEqual(made, ["a"]);
  for (let i = 0; i < 1_000; i += 1) upper(String(i));
  assert.equal(upper("a").text, "A");
  assert.equal(made.filter((text) => text === "a").length, 2);
});

test("a long text is made anew each time", () => {
  let made = 0;
  const length = remembering((text) => {
    made += 1;
    return text.length;
  });
  const long = "x".repeat(10_000);
  assert.equal(length(long) + length(long), 20_000);
  assert.equal(made, 2);
});

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { receivedFields } from "#edge/policy/received-fields.ts";
import { RULE } from "./support.ts";

const fields = [
  "access-control-allow-origin",
  "https://one.example",
  "vary",
  "Origin",
  "etag",
  '"a"',
];

describe("what an origin says to other origins", () => {
  test("is not stored where the Space has rules: others would be told what one was", () => {
    assert.deepEqual(receivedFields(fields, { cors: [RULE] }), ["etag", '"a"']);
  });

  test("stands where there are none", () => {
    assert.equal(receivedFields(fields, {}), fields);
    assert.equal(receivedFields(fields, { cors: [] }), fields);
  });
});

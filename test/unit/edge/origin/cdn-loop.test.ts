import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isLoop, newLoopToken } from "#edge/origin/cdn-loop.ts";
import { ok, startOrigin } from "./support.ts";

describe("CDN-Loop", () => {
  const own = "atoll-0123abcd";
  const cases: readonly (readonly [string | undefined, boolean])[] = [
    [undefined, false],
    ["", false],
    [own, true],
    [`other, ${own}`, true],
    [`other;v=1 , ATOLL-0123ABCD ; v="1"`, true],
    // Another installation in front of this one is no loop.
    ["atoll", false],
    ["atoll-ffffffff", false],
    [`other;via=${own}`, false],
  ];
  for (const [field, expected] of cases) {
    test(`${field ?? "absent"} is ${expected ? "a" : "no"} loop`, () => {
      assert.equal(isLoop(field, own), expected);
    });
  }

  test("has a name of each installation's own, and behind those that it came with", async () => {
    assert.match(newLoopToken(), /^atoll-[\da-f]{8}$/);
    assert.notEqual(newLoopToken(), newLoopToken());
    await using origin = await startOrigin((socket) => void socket.write(ok("ok")), {
      loopToken: own,
    });
    await origin.fetch({ fields: ["cdn-loop", "other"] });
    assert.match(origin.requests[0] ?? "", /cdn-loop: other\r\ncdn-loop: atoll-0123abcd\r\n/);
  });
});

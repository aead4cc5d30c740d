import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { defaultWorkers, WORKERS_MAX } from "#worker-count.ts";

describe("the number of edge workers", () => {
  const cases = [
    { where: "Linux", platform: "linux", cores: 8, is: 8 },
    { where: "a machine with very many cores", platform: "linux", cores: 1_000, is: WORKERS_MAX },
    { where: "a system without SO_REUSEPORT", platform: "darwin", cores: 8, is: 1 },
  ] as const;
  for (const { where, platform, cores, is } of cases) {
    test(`is ${is} on ${where}, unless it is set`, () => {
      assert.equal(defaultWorkers(platform, cores), is);
    });
  }
});

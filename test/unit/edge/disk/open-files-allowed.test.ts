import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { openFilesAllowed, openFilesShare } from "#edge/disk/open-files-allowed.ts";

/** A line of proc_pid_limits(5) among others. */
function limits(soft: string): string {
  return [
    "Limit                     Soft Limit           Hard Limit           Units     ",
    "Max processes             96426                96426                processes ",
    `Max open files            ${soft.padEnd(20)} 1048576              files     `,
  ].join("\n");
}

describe("the open files of a disk tier", () => {
  const rows: readonly [soft: string, allowed: number][] = [
    ["1024", 409],
    ["20000", 8_000],
    ["1048576", 16_384],
    ["unlimited", 200],
  ];
  for (const [soft, allowed] of rows) {
    test(`are ${allowed} where a process may open ${soft}`, () => {
      assert.equal(openFilesShare(limits(soft)), allowed);
    });
  }

  test("are some, whatever this process may open", () => {
    assert(openFilesAllowed() > 0);
  });
});

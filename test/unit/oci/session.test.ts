import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { manualClock } from "#clock.ts";
import { SESSION_SECONDS } from "#oci/limits.ts";
import { repositoryGrant } from "#oci/scope.ts";
import { sessionsUnder } from "#oci/session.ts";

const session = { accountId: 7, tokenId: "token", grants: [repositoryGrant("a/b", ["pull"])] };

describe("a session", () => {
  test("is what it was issued as, after a restart, too", async () => {
    const clock = manualClock(1_700_000_000_000);
    const { token } = await sessionsUnder(new Uint8Array(32), clock).issue(session);
    const restarted = sessionsUnder(new Uint8Array(32), clock);
    for (const look of ["first", "again"]) {
      assert.deepEqual(await restarted.verify(token), { kind: "session", session }, look);
    }
  });

  test("is over when its time is, whether it was looked at before or not", async () => {
    const clock = manualClock(1_700_000_000_000);
    const sessions = sessionsUnder(new Uint8Array(32), clock);
    const [seen, unseen] = [await sessions.issue(session), await sessions.issue(session)];
    await sessions.verify(seen.token);
    clock.advance(SESSION_SECONDS * 1_000);
    for (const { token } of [seen, unseen]) {
      assert.deepEqual(await sessions.verify(token), { kind: "expired" });
    }
  });

  test("of another key, or of another kind of token, is forged", async () => {
    const clock = manualClock(1_700_000_000_000);
    const other = await sessionsUnder(new Uint8Array(32).fill(1), clock).issue(session);
    const sessions = sessionsUnder(new Uint8Array(32), clock);
    for (const token of [other.token, "eyJ.e30.x", "", "a.b.c"]) {
      assert.deepEqual(await sessions.verify(token), { kind: "forged" });
    }
  });
});

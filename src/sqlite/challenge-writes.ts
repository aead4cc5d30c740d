import assert from "node:assert/strict";
import type { DatabaseSync } from "node:sqlite";
import { CHALLENGES_MAX, type KeptChallenge } from "#acme/answers.ts";
import { statements } from "./connection.ts";
import { feedLog, type WriteContext } from "./feed-log.ts";
import type { ChallengeRow } from "./rows.ts";

/** The writes behind `ChallengeStore`, each run inside a transaction of the writer thread. */
export function challengeWrites(db: DatabaseSync) {
  const sql = statements(db, "challenges.sql");
  const append = feedLog(db);
  return {
    "challenge.put": (
      { id, kind, sealedAnswer, createdAt }: KeptChallenge,
      context: WriteContext,
    ): number | "told-nobody" | "full" => {
      if (Number(sql("countOtherChallenges").get(id)?.["total"]) >= CHALLENGES_MAX) return "full";
      const { changes } = sql("putChallenge").run(id, kind, sealedAnswer, createdAt);
      assert(changes === 1, "an answer does not become one of another kind");
      if (kind === "dns-01") return "told-nobody";
      const row = sql("edgeChallenge").get(id) as unknown as ChallengeRow;
      return append({ kind: "challenge-put", row }, context);
    },

    "challenge.delete": (id: string, context: WriteContext): number | "told-nobody" => {
      const deleted = sql("deleteChallenge").get(id);
      if (deleted === undefined || deleted["kind"] === "dns-01") return "told-nobody";
      return append({ kind: "challenge-delete", id }, context);
    },

    /** Before the edges start: they are told of none of it. */
    "challenge.delete-before": (createdAt: number): void => {
      sql("deleteChallengesBefore").run(createdAt);
    },
  };
}

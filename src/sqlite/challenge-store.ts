import type { DatabaseSync } from "node:sqlite";
import type { ChallengeType } from "#acme/acme.ts";
import type { ChallengeStore, KeptChallenge } from "#acme/answers.ts";
import { statements } from "./connection.ts";
import type { ChallengeRow } from "./rows.ts";
import type { Writer } from "./writer.ts";

/** Columns as SQLite gives them. */
interface KeptRow extends ChallengeRow {
  readonly kind: ChallengeType;
  readonly created_at: number;
}

/** Reads come from this thread's own connection, which sees every write that was acknowledged. */
export function sqliteChallenges(db: DatabaseSync, writer: Writer): ChallengeStore {
  const sql = statements(db, "challenges.sql");
  return {
    put: (challenge) => writer.run("challenge.put", challenge),
    delete: (id) => writer.run("challenge.delete", id),
    deleteBefore: (createdAt) => writer.run("challenge.delete-before", createdAt),
    all: () => (sql("challenges").all() as unknown as KeptRow[]).map(toKeptChallenge),
  };
}

function toKeptChallenge(row: KeptRow): KeptChallenge {
  return {
    id: row.id,
    kind: row.kind,
    sealedAnswer: row.sealed_answer,
    createdAt: row.created_at,
  };
}

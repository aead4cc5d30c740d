import type { StatementSync } from "node:sqlite";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { EdgeCertificate, EdgeChallenge, EdgeEndpoint, FeedEntry } from "#feed/entry.ts";
import type { SnapshotPart } from "#feed/hub.ts";
import type { KeptPurge } from "#feed/message.ts";
import { unreachable } from "#unreachable.ts";
import { openForReading, statements } from "./connection.ts";
import { type FeedRecord, lastNumber } from "./feed-log.ts";
import type { CertificateRow, ChallengeRow, EdgeRow } from "./rows.ts";

/** Rows of one turn: a few milliseconds of this thread. */
const PART_ROWS = 1_000;

/** Rows as an edge sees them; what is sealed in them is opened here, on its way to the workers. */
export interface EdgeView {
  readonly endpoint: (row: EdgeRow) => EdgeEndpoint;
  readonly certificate: (row: CertificateRow) => EdgeCertificate;
  readonly challenge: (row: ChallengeRow) => EdgeChallenge;
}

/** The records of a transaction as the edges get them. */
export function toEntries(records: readonly FeedRecord[], view: EdgeView): readonly FeedEntry[] {
  return records.map((record) => toEntry(record, view));
}

function toEntry(record: FeedRecord, view: EdgeView): FeedEntry {
  const { kind, number } = record;
  switch (kind) {
    case "endpoint-put":
      return { kind, number, endpoint: view.endpoint(record.row) };
    case "certificate-put":
      return { kind, number, certificate: view.certificate(record.row) };
    case "challenge-put":
      return { kind, number, challenge: view.challenge(record.row) };
    case "endpoint-delete":
    case "certificate-delete":
    case "challenge-delete":
    case "purge":
      return record;
    default:
      return unreachable(kind);
  }
}

/** The state of one moment: a read transaction of a connection of its own. */
export async function* readSnapshot(path: string, view: EdgeView): AsyncGenerator<SnapshotPart> {
  using db = openForReading(path);
  db.exec("BEGIN");
  const number = lastNumber(db);
  const certificates = statements(db, "certificates.sql")("certificatesAfter");
  for await (const rows of pages<CertificateRow & Numbered>(certificates, [0], byNumber)) {
    yield { ...NOTHING, certificates: rows.map(view.certificate) };
  }
  const challenges = statements(db, "challenges.sql")("edgeChallengesAfter");
  for await (const rows of pages<ChallengeRow & Numbered>(challenges, [0], byNumber)) {
    yield { ...NOTHING, challenges: rows.map(view.challenge) };
  }
  const sql = statements(db, "endpoints.sql");
  for await (const rows of pages<EdgeRow & Numbered>(sql("edgeEndpointsAfter"), [0], byNumber)) {
    yield { ...NOTHING, endpoints: rows.map(view.endpoint) };
  }
  // An endpoint's purges in the order in which they came.
  const from = ["", 0, ""];
  const afterPurge = (row: PurgeRow) => [row.endpoint_id, row.number, row.pattern];
  for await (const rows of pages<PurgeRow>(sql("purgesAfter"), from, afterPurge)) {
    yield { ...NOTHING, purges: rows.map(toKeptPurge) };
  }
  yield { kind: "end", number };
}

const NOTHING = {
  kind: "part",
  endpoints: [],
  purges: [],
  certificates: [],
  challenges: [],
} as const;

interface Numbered {
  readonly number: number;
}

interface PurgeRow extends Numbered {
  readonly endpoint_id: string;
  readonly pattern: string;
  readonly soft: 0 | 1;
}

function toKeptPurge({ endpoint_id: id, pattern, soft, number }: PurgeRow): KeptPurge {
  return { id, pattern, number, ...(soft === 1 ? { soft: true } : {}) };
}

function byNumber({ number }: Numbered): Position {
  return [number];
}

type Position = readonly (string | number)[];

/** All rows of a statement that takes where the page before has ended, and how many it may have. */
async function* pages<R>(
  statement: StatementSync,
  start: Position,
  positionOf: (row: R) => Position,
): AsyncGenerator<readonly R[]> {
  for (let position = start; ; ) {
    const rows = statement.all(...position, PART_ROWS) as unknown as R[];
    const last = rows.at(-1);
    if (last === undefined) return;
    yield rows;
    position = positionOf(last);
    await nextTurn();
  }
}

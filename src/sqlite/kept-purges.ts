import { EVERYTHING } from "#cdn/purge-pattern.ts";
import { PURGES_PER_ENDPOINT_MAX } from "#limits.ts";
import type { Statements } from "./connection.ts";

/** A purge that has its number. */
interface NumberedPurge {
  readonly id: string;
  readonly number: number;
  readonly patterns: readonly string[];
  readonly soft?: boolean;
}

/**
 * Keeps of an endpoint's purges what something stored may still need. Past the limit, the oldest
 * half becomes one purge of everything, at the newest of them: a hard one, whatever they were.
 */
export function keepPurge(sql: Statements, purge: NumberedPurge): void {
  const { id } = purge;
  if (purge.soft === true) keepSoft(sql, purge);
  else keepHard(sql, purge);
  const total = Number(sql("countPurges").get(id)?.["total"]);
  if (total <= PURGES_PER_ENDPOINT_MAX) return;
  const newest = Number(sql("purgeNumberAt").get(id, Math.floor(total / 2))?.["number"]);
  sql("dropPurgesUpTo").run(id, newest);
  sql("putPurge").run(id, EVERYTHING, HARD, newest);
}

const HARD = 0;
const SOFT = 1;

/** What is gone says all that earlier purges of the same, hard and soft, have said. */
function keepHard(sql: Statements, { id, number, patterns }: NumberedPurge): void {
  if (patterns.includes(EVERYTHING)) sql("dropPurges").run(id);
  for (const pattern of patterns) {
    sql("dropSoftPurge").run(id, pattern);
    sql("putPurge").run(id, pattern, HARD, number);
  }
}

/** What is stale says no more than that: earlier hard purges stay. */
function keepSoft(sql: Statements, { id, number, patterns }: NumberedPurge): void {
  if (patterns.includes(EVERYTHING)) sql("dropSoftPurges").run(id);
  for (const pattern of patterns) sql("putPurge").run(id, pattern, SOFT, number);
}

import type { DatabaseSync } from "node:sqlite";
import type { Created, Endpoint, EndpointChanges, Updated } from "#cdn/endpoint.ts";
import { EVERYTHING } from "#cdn/purge-pattern.ts";
import { FEED_ROWS_KEPT, PURGES_PER_ENDPOINT_MAX } from "#limits.ts";
import { statements } from "./connection.ts";
import type { FeedRecord, RecordedChange } from "./feed-record.ts";
import { type EdgeRow, type EndpointRow, toEndpoint } from "./rows.ts";

/** What a write is given besides its arguments. */
export interface WriteContext {
  /** Milliseconds since the epoch, at the start of the transaction. */
  readonly now: number;
  /** Told to the edges once the transaction is durable. */
  record(record: FeedRecord): void;
}

/** The writes behind `EndpointStore`, each run inside a transaction of the writer thread. */
export function endpointWrites(db: DatabaseSync) {
  const sql = statements(db, "endpoints.sql");

  function append(change: RecordedChange, context: WriteContext): number {
    const id = change.kind === "endpoint-put" ? change.row.id : change.id;
    const { lastInsertRowid } = sql("appendFeed").run(change.kind, id, context.now);
    const number = Number(lastInsertRowid);
    sql("trimFeed").run(number - FEED_ROWS_KEPT);
    context.record({ ...change, number });
    return number;
  }

  function appendPut(id: string, context: WriteContext): number {
    const row = sql("edgeEndpoint").get(id) as unknown as EdgeRow;
    return append({ kind: "endpoint-put", row }, context);
  }

  function find(accountId: number, id: string): Endpoint | undefined {
    const row = sql("endpoint").get(accountId, id) as EndpointRow | undefined;
    return row === undefined ? undefined : toEndpoint(row);
  }

  /** Why an endpoint cannot be made, if so. Nothing has been written by then. */
  function refusalOf(
    endpoint: Endpoint,
    space: { readonly id: number; readonly accountId: number } | undefined,
    strict: boolean,
  ): (Created & { kind: "refused" })["reason"] | undefined {
    if (space === undefined && strict) return "space-missing";
    if (space !== undefined && space.accountId !== endpoint.accountId) {
      return "space-of-another-account";
    }
    if (space !== undefined && sql("endpointOfSpace").get(space.id)) return "origin-taken";
    const { customDomain } = endpoint;
    if (customDomain !== undefined && sql("endpointOfCustomDomain").get(customDomain)) {
      return "custom-domain-taken";
    }
    return undefined;
  }

  function spaceOf({ origin }: Endpoint): { id: number; accountId: number } | undefined {
    const row = sql("spaceByName").get(origin.name, origin.region);
    return row && { id: Number(row["id"]), accountId: Number(row["account_id"]) };
  }

  function makeSpace({ accountId, origin, createdAt }: Endpoint): number {
    const row = sql("insertSpace").get(accountId, origin.name, origin.region, createdAt);
    return Number(row?.["id"]);
  }

  return {
    "endpoint.create": (endpoint: Endpoint, strict: boolean, context: WriteContext): Created => {
      const space = spaceOf(endpoint);
      const reason = refusalOf(endpoint, space, strict);
      if (reason !== undefined) return { kind: "refused", reason };
      const spaceId = space?.id ?? makeSpace(endpoint);
      const { customDomain = null, certificateId = null } = endpoint;
      sql("insertEndpoint").run(
        endpoint.id,
        endpoint.accountId,
        spaceId,
        endpoint.origin.domain,
        endpoint.ttl,
        customDomain,
        certificateId,
        endpoint.createdAt,
      );
      return { kind: "created", endpoint, number: appendPut(endpoint.id, context) };
    },

    "endpoint.update": (
      accountId: number,
      id: string,
      changes: EndpointChanges,
      context: WriteContext,
    ): Updated => {
      const before = find(accountId, id);
      if (before === undefined) return { kind: "refused", reason: "missing" };
      const ttl = changes.ttl ?? before.ttl;
      const domain = merged(changes.customDomain, before.customDomain);
      const certificate = merged(changes.certificateId, before.certificateId);
      const owner = domain === null ? undefined : sql("endpointOfCustomDomain").get(domain);
      if (owner !== undefined && owner["id"] !== id) {
        return { kind: "refused", reason: "custom-domain-taken" };
      }
      sql("updateEndpoint").run(ttl, domain, certificate, id);
      const number = appendPut(id, context);
      const endpoint = find(accountId, id);
      if (endpoint === undefined) throw new Error("An endpoint vanished in its own transaction");
      return { kind: "updated", endpoint, number };
    },

    "endpoint.delete": (
      accountId: number,
      id: string,
      context: WriteContext,
    ): number | undefined => {
      if (sql("deleteEndpoint").run(accountId, id).changes === 0) return undefined;
      sql("dropPurges").run(id);
      return append({ kind: "endpoint-delete", id }, context);
    },

    "endpoint.purge": (
      accountId: number,
      id: string,
      patterns: readonly string[],
      context: WriteContext,
    ): number | undefined => {
      if (find(accountId, id) === undefined) return undefined;
      const number = append({ kind: "purge", id, patterns }, context);
      // A purge of everything says all that earlier ones said.
      if (patterns.includes(EVERYTHING)) sql("dropPurges").run(id);
      for (const pattern of patterns) sql("putPurge").run(id, pattern, number);
      boundPurges(id);
      return number;
    },
  };

  /** Past the limit, the oldest half becomes one purge of everything, at the newest of them. */
  function boundPurges(id: string): void {
    const total = Number(sql("countPurges").get(id)?.["total"]);
    if (total <= PURGES_PER_ENDPOINT_MAX) return;
    const newest = Number(sql("purgeNumberAt").get(id, Math.floor(total / 2))?.["number"]);
    sql("dropPurgesUpTo").run(id, newest);
    sql("putPurge").run(id, EVERYTHING, newest);
  }
}

function merged(change: string | null | undefined, before: string | undefined): string | null {
  return change === undefined ? (before ?? null) : change;
}

import type { DatabaseSync } from "node:sqlite";
import type { Created, Endpoint, EndpointChanges, PurgeOptions, Updated } from "#cdn/endpoint.ts";
import { type Statements, statements } from "./connection.ts";
import { endpointPuts } from "./endpoint-puts.ts";
import { feedLog, type WriteContext } from "./feed-log.ts";
import { keepPurge } from "./kept-purges.ts";
import { type EndpointRow, toEndpoint } from "./rows.ts";

/** The writes behind `EndpointStore`, each run inside a transaction of the writer thread. */
export function endpointWrites(db: DatabaseSync) {
  const sql = statements(db, "endpoints.sql");
  const append = feedLog(db);
  const appendPut = endpointPuts(db);
  return {
    "endpoint.create": (endpoint: Endpoint, strict: boolean, context: WriteContext): Created => {
      const reason = create(sql, endpoint, strict);
      if (reason !== undefined) return { kind: "refused", reason };
      return { kind: "created", endpoint, number: appendPut(endpoint.id, context) };
    },

    "endpoint.update": (
      accountId: number,
      id: string,
      changes: EndpointChanges,
      context: WriteContext,
    ): Updated => {
      const before = find(sql, accountId, id);
      if (before === undefined) return { kind: "refused", reason: "missing" };
      if (!update(sql, before, changes)) return { kind: "refused", reason: "custom-domain-taken" };
      const number = appendPut(id, context);
      const endpoint = find(sql, accountId, id);
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
      { soft }: PurgeOptions,
      context: WriteContext,
    ): number | undefined => {
      if (find(sql, accountId, id) === undefined) return undefined;
      const purge = { id, patterns, ...(soft ? { soft } : {}) };
      const number = append({ kind: "purge", ...purge }, context);
      keepPurge(sql, { ...purge, number });
      return number;
    },
  };
}

function find(sql: Statements, accountId: number, id: string): Endpoint | undefined {
  const row = sql("endpoint").get(accountId, id) as EndpointRow | undefined;
  return row === undefined ? undefined : toEndpoint(row);
}

/** Why it cannot be made, if so. */
function create(sql: Statements, endpoint: Endpoint, strict: boolean): Refusal | undefined {
  const space = spaceOf(sql, endpoint);
  const reason = refusalOf(sql, endpoint, space, strict);
  if (reason !== undefined) return reason;
  sql("insertEndpoint").run(
    endpoint.id,
    endpoint.accountId,
    space?.id ?? makeSpace(sql, endpoint),
    endpoint.origin.domain,
    endpoint.ttl,
    endpoint.customDomain ?? null,
    endpoint.certificateId ?? null,
    endpoint.createdAt,
  );
  return undefined;
}

type Refusal = (Created & { readonly kind: "refused" })["reason"];

/** A Space, as far as the creation of an endpoint cares. */
interface OwnedSpace {
  readonly id: number;
  readonly accountId: number;
}

/** Why an endpoint cannot be made, if so. Nothing has been written by then. */
function refusalOf(
  sql: Statements,
  endpoint: Endpoint,
  space: OwnedSpace | undefined,
  strict: boolean,
): Refusal | undefined {
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

function spaceOf(sql: Statements, { origin }: Endpoint): OwnedSpace | undefined {
  const row = sql("spaceByName").get(origin.name, origin.region);
  return row && { id: Number(row["id"]), accountId: Number(row["account_id"]) };
}

function makeSpace(sql: Statements, { accountId, origin, createdAt }: Endpoint): number {
  const row = sql("insertSpace").get(accountId, origin.name, origin.region, createdAt);
  return Number(row?.["id"]);
}

/** False when the custom domain that it asks for is another endpoint's. */
function update(sql: Statements, before: Endpoint, changes: EndpointChanges): boolean {
  const { id } = before;
  const domain = merged(changes.customDomain, before.customDomain);
  const owner = domain === null ? undefined : sql("endpointOfCustomDomain").get(domain);
  if (owner !== undefined && owner["id"] !== id) return false;
  const certificate = merged(changes.certificateId, before.certificateId);
  sql("updateEndpoint").run(changes.ttl ?? before.ttl, domain, certificate, id);
  return true;
}

function merged(change: string | null | undefined, before: string | undefined): string | null {
  return change === undefined ? (before ?? null) : change;
}

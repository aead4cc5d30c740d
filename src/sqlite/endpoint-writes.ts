import type { DatabaseSync } from "node:sqlite";
import type {
  Created,
  CreateRefusal,
  Endpoint,
  EndpointChanges,
  PurgeOptions,
  Updated,
} from "#cdn/endpoint.ts";
import { type Statements, statements } from "./connection.ts";
import { type EndpointCertificates, endpointCertificates } from "./endpoint-certificates.ts";
import { endpointPuts } from "./endpoint-puts.ts";
import { feedLog, type WriteContext } from "./feed-log.ts";
import { keepPurge } from "./kept-purges.ts";
import { type EndpointRow, toEndpoint } from "./rows.ts";

/** The writes behind `EndpointStore`, each run inside a transaction of the writer thread. */
export function endpointWrites(db: DatabaseSync) {
  const sql = statements(db, "endpoints.sql");
  const append = feedLog(db);
  const appendPut = endpointPuts(db);
  const certificates = endpointCertificates(db);
  return {
    "endpoint.create": (endpoint: Endpoint, strict: boolean, context: WriteContext): Created => {
      const refusal = create({ sql, certificates }, endpoint, strict);
      if (refusal !== undefined) return { kind: "refused", ...refusal };
      certificates.attach(undefined, endpoint, context);
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
      const endpoint = changed(before, changes);
      const misfit = certificates.misfit(endpoint);
      if (misfit !== undefined) return { kind: "refused", ...misfit };
      if (!update(sql, endpoint)) return { kind: "refused", reason: "custom-domain-taken" };
      certificates.attach(before, endpoint, context);
      const put = appendPut(id, context);
      const number = certificates.detach(before, endpoint, context) ?? put;
      return { kind: "updated", endpoint, number };
    },

    "endpoint.delete": (
      accountId: number,
      id: string,
      context: WriteContext,
    ): number | undefined => {
      const before = find(sql, accountId, id);
      if (before === undefined) return undefined;
      sql("deleteEndpoint").run(accountId, id);
      sql("dropPurges").run(id);
      const deleted = append({ kind: "endpoint-delete", id }, context);
      return certificates.detach(before, undefined, context) ?? deleted;
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

interface Tables {
  readonly sql: Statements;
  readonly certificates: EndpointCertificates;
}

/** Why it cannot be made, if so. */
function create(tables: Tables, endpoint: Endpoint, strict: boolean): CreateRefusal | undefined {
  const { sql } = tables;
  const space = spaceOf(sql, endpoint);
  const refusal = refusalOf(tables, endpoint, space, strict);
  if (refusal !== undefined) return refusal;
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

/** A Space, as far as the creation of an endpoint cares. */
interface OwnedSpace {
  readonly id: number;
  readonly accountId: number;
}

/** Why an endpoint cannot be made, if so. Nothing has been written by then. */
function refusalOf(
  { sql, certificates }: Tables,
  endpoint: Endpoint,
  space: OwnedSpace | undefined,
  strict: boolean,
): CreateRefusal | undefined {
  if (space === undefined && strict) return { reason: "space-missing" };
  if (space !== undefined && space.accountId !== endpoint.accountId) {
    return { reason: "space-of-another-account" };
  }
  // CONTRACT §1.5: values before state.
  const misfit = certificates.misfit(endpoint);
  if (misfit !== undefined) return misfit;
  if (space !== undefined && sql("endpointOfSpace").get(space.id)) {
    return { reason: "origin-taken" };
  }
  const { customDomain } = endpoint;
  if (customDomain !== undefined && sql("endpointOfCustomDomain").get(customDomain)) {
    return { reason: "custom-domain-taken" };
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

/** The endpoint with its changes. */
function changed(
  before: Endpoint,
  { ttl, customDomain, certificateId }: EndpointChanges,
): Endpoint {
  const { customDomain: domain, certificateId: certificate, ...rest } = before;
  return {
    ...rest,
    ttl: ttl ?? before.ttl,
    ...given("customDomain", customDomain === undefined ? domain : customDomain),
    ...given("certificateId", certificateId === undefined ? certificate : certificateId),
  };
}

/** What is cleared is a member that is not there. */
function given<K extends string>(name: K, value: string | null | undefined): { [P in K]?: string } {
  return value === null || value === undefined ? {} : ({ [name]: value } as { [P in K]: string });
}

/** False when the custom domain that it asks for is another endpoint's. */
function update(sql: Statements, { id, ttl, customDomain, certificateId }: Endpoint): boolean {
  const owner =
    customDomain === undefined ? undefined : sql("endpointOfCustomDomain").get(customDomain);
  if (owner !== undefined && owner["id"] !== id) return false;
  sql("updateEndpoint").run(ttl, customDomain ?? null, certificateId ?? null, id);
  return true;
}

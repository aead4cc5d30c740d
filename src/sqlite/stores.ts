import type { DatabaseSync } from "node:sqlite";
import type { AccountStore } from "#account/account.ts";
import type { EndpointStore, Region } from "#cdn/endpoint.ts";
import type { ServingCertificateStore } from "#certificate/serving.ts";
import type { SpaceStore } from "#space/space.ts";
import { statements } from "./connection.ts";
import {
  toAccount,
  toEndpoint,
  toObject,
  toServingCertificate,
  toSpace,
  toSpaceUsage,
  toToken,
} from "./rows.ts";
import type { Writer } from "./writer.ts";

/** SQLite's row or nothing, as the concept's own value. */
function one<T>(row: unknown, to: (row: never) => T): T | undefined {
  return row === undefined ? undefined : to(row as never);
}

function all<T>(rows: readonly unknown[], to: (row: never) => T): readonly T[] {
  return rows.map((row) => to(row as never));
}

function totalOf(row: unknown): number {
  return (row as { total: number }).total;
}

const HARD = { soft: false };

/** Reads come from this thread's own connection, which sees every write that was acknowledged. */
export function sqliteEndpoints(db: DatabaseSync, writer: Writer): EndpointStore {
  const sql = statements(db, "endpoints.sql");
  return {
    create: (endpoint, { strict }) => writer.run("endpoint.create", endpoint, strict),
    update: (accountId, id, changes) => writer.run("endpoint.update", accountId, id, changes),
    delete: (accountId, id) => writer.run("endpoint.delete", accountId, id),
    changeSettings: (accountId, id, changes, sealedSecrets) =>
      writer.run("endpoint.settings", accountId, id, changes, sealedSecrets),
    purge: (accountId, id, patterns, options = HARD) =>
      writer.run("endpoint.purge", accountId, id, patterns, options),
    find: (accountId, id) => one(sql("endpoint").get(accountId, id), toEndpoint),
    page: (accountId, offset, limit) => ({
      rows: all(sql("page").all(accountId, limit, offset), toEndpoint),
      total: totalOf(sql("count").get(accountId)),
    }),
    regions: () =>
      all(sql("regions").all(), ({ region, domain }: Region): Region => ({ region, domain })),
    spacesIn: ({ region, domain }) =>
      all(sql("spacesIn").all(region, domain), (row: { readonly name: string }) => row.name),
  };
}

export function sqliteCertificates(db: DatabaseSync, writer: Writer): ServingCertificateStore {
  const sql = statements(db, "certificates.sql");
  return {
    put: (certificate) => writer.run("certificate.put", certificate),
    delete: (id) => writer.run("certificate.delete", id),
    ownNames: () => all(sql("ownNames").all(), toServingCertificate),
  };
}

export function sqliteAccounts(db: DatabaseSync, writer: Writer): AccountStore {
  const sql = statements(db, "accounts.sql");
  return {
    createAccount: (account, token) => writer.run("account.create", account, token),
    findAccount: (id) => one(sql("account").get(id), toAccount),
    findAccountByEmail: (email) => one(sql("accountByEmail").get(email), toAccount),
    firstAccount: () => one(sql("firstAccount").get(), toAccount),
    pageOfAccounts: (offset, limit) => ({
      rows: all(sql("pageOfAccounts").all(limit, offset), toAccount),
      total: totalOf(sql("countAccounts").get()),
    }),
    createToken: (token) => writer.run("token.create", token),
    findTokenByHash: (hash) => one(sql("tokenByHash").get(hash), toToken),
    findToken: (accountId, id) => one(sql("token").get(accountId, id), toToken),
    pageOfTokens: (accountId, offset, limit) => ({
      rows: all(sql("pageOfTokens").all(accountId, limit, offset), toToken),
      total: totalOf(sql("countTokens").get(accountId)),
    }),
    deleteToken: (accountId, id) => writer.run("token.delete", accountId, id),
    noteUses: (uses) => writer.run("token.note-uses", uses),
  };
}

/** Sorts after every key that begins with the prefix: no character is above it. */
const LAST_CHARACTER = "\u{10ffff}";

export function sqliteSpaces(db: DatabaseSync, writer: Writer): SpaceStore {
  const sql = statements(db, "spaces.sql");
  return {
    createSpace: (space) => writer.run("space.create", space),
    findSpace: (name, region) => one(sql("spaceByName").get(name, region), toSpace),
    pageOfSpaces: (accountId, offset, limit) => ({
      rows: all(sql("pageOfSpaces").all(accountId, limit, offset), toSpaceUsage),
      total: totalOf(sql("countSpaces").get(accountId)),
    }),
    deleteSpace: (id) => writer.run("space.delete", id),
    putCors: (spaceId, rules) => writer.run("space.cors", spaceId, rules),
    putObject: (object) => writer.run("object.put", object),
    findObject: (spaceId, key) => one(sql("object").get(spaceId, key), toObject),
    listObjects: (spaceId, { prefix, after, limit }) =>
      all(
        sql("listObjects").all(spaceId, after, prefix, `${prefix}${LAST_CHARACTER}`, limit),
        toObject,
      ),
    deleteObject: (spaceId, key) => writer.run("object.delete", spaceId, key),
    referredFiles: () => new Set(all(sql("files").all(), (row: { file: string }) => row.file)),
  };
}

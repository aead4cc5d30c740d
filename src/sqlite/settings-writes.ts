import type { DatabaseSync } from "node:sqlite";
import type { SettingsChanged } from "#cdn/endpoint.ts";
import { EVERYTHING } from "#cdn/purge-pattern.ts";
import { mergeSettings, type SettingsChanges } from "#cdn/settings.ts";
import type { CorsRule } from "#feed/entry.ts";
import { statements } from "./connection.ts";
import { endpointPuts } from "./endpoint-puts.ts";
import { feedLog, type WriteContext } from "./feed-log.ts";
import { keepPurge } from "./kept-purges.ts";
import { toSettings } from "./rows.ts";

interface SettingsRow {
  readonly settings: string | null;
  readonly sealed_url_secrets: Uint8Array | null;
}

/** What owners settle for endpoints and Spaces, and edges act by: it goes out with the endpoint. */
export function settingsWrites(db: DatabaseSync) {
  const endpoints = statements(db, "endpoints.sql");
  const spaces = statements(db, "spaces.sql");
  const appendPut = endpointPuts(db);
  const append = feedLog(db);
  const purgeAll = (id: string, context: WriteContext): number => {
    const purge = { id, patterns: [EVERYTHING] };
    const number = append({ kind: "purge", ...purge }, context);
    keepPurge(endpoints, { ...purge, number });
    return number;
  };
  return {
    /** Merged here: of two changes at once, the second merges into what the first has made. */
    "endpoint.settings": (
      accountId: number,
      id: string,
      changes: SettingsChanges,
      sealedSecrets: Uint8Array | undefined,
      context: WriteContext,
    ): SettingsChanged => {
      const before = endpoints("settings").get(accountId, id) as SettingsRow | undefined;
      if (before === undefined) return { kind: "missing" };
      const merged = mergeSettings(toSettings(before.settings), changes);
      if (merged.kind === "invalid") return merged;
      const { settings } = merged;
      const isAnySet = Object.keys(settings).length > 0;
      const secrets = sealedSecrets ?? before.sealed_url_secrets;
      endpoints("putSettings").run(
        isAnySet ? JSON.stringify(settings) : null,
        settings.signedUrls === undefined ? null : secrets,
        id,
      );
      return { kind: "changed", settings, number: appendPut(id, context) };
    },

    "space.cors": (
      id: number,
      rules: readonly CorsRule[] | undefined,
      context: WriteContext,
    ): { readonly number?: number } | "space-missing" => {
      const json = rules === undefined ? null : JSON.stringify(rules);
      const before = spaces("corsOfSpace").get(id);
      if (before === undefined) return "space-missing";
      spaces("putCors").run(json, id);
      const ids = spaces("anyEndpoint")
        .all(id)
        .map((row) => String(row["id"]));
      const puts = ids.map((each) => appendPut(each, context));
      // What was stored without rules has the origin's own CORS fields, and with them has none.
      const isOther = (before["cors"] === null) !== (json === null);
      const purges = isOther ? ids.map((each) => purgeAll(each, context)) : [];
      const number = [...puts, ...purges].at(-1);
      return number === undefined ? {} : { number };
    },
  };
}

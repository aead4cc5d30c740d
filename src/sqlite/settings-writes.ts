import type { DatabaseSync } from "node:sqlite";
import type { SettingsChanged } from "#cdn/endpoint.ts";
import { mergeSettings, type SettingsChanges } from "#cdn/settings.ts";
import type { CorsRule } from "#feed/entry.ts";
import { statements } from "./connection.ts";
import { endpointPuts } from "./endpoint-puts.ts";
import type { WriteContext } from "./feed-log.ts";
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
      if (spaces("putCors").run(json, id).changes === 0) return "space-missing";
      const ids = spaces("anyEndpoint").all(id);
      const number = ids.map((row) => appendPut(String(row["id"]), context)).at(-1);
      return number === undefined ? {} : { number };
    },
  };
}

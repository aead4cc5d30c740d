import type { EndpointSettings } from "#feed/entry.ts";
import { HSTS_PRELOAD_SECONDS_MIN } from "./limits.ts";

type Hsts = NonNullable<EndpointSettings["hsts"]>;

/** What is kept of signed URLs beside their secrets, which are sealed. */
interface KeptSignedUrls {
  readonly enabled: boolean;
  readonly secretCount: number;
}

/** An endpoint's settings without any secret. Absent members are off. */
export interface KeptSettings extends Omit<EndpointSettings, "signedUrls"> {
  readonly signedUrls?: KeptSignedUrls;
}

/** The query string in the key, as a change names it; `names` are for `only`. */
interface QueryChange {
  readonly mode?: "all" | "none" | "only" | undefined;
  readonly names?: readonly string[] | undefined;
}

/** What a patch changes, as RFC 7396 has it: a member that is absent stays, `null` turns it off. */
export interface SettingsChanges {
  readonly httpsRedirect?: boolean | null | undefined;
  readonly hsts?: { readonly [K in keyof Hsts]?: Hsts[K] | undefined } | null | undefined;
  readonly errorPage?: string | null | undefined;
  readonly compression?: boolean | null | undefined;
  readonly query?: QueryChange | null | undefined;
  /** New secrets take the place of all that were there: here is how many they are. */
  readonly signedUrls?:
    | { readonly [K in keyof KeptSignedUrls]?: KeptSignedUrls[K] | undefined }
    | null
    | undefined;
}

export type MergedSettings =
  | { readonly kind: "merged"; readonly settings: KeptSettings }
  /** The reason begins with the member. */
  | { readonly kind: "invalid"; readonly reason: string };

/** The settings after a change, or why they could not be so. Each member alone is valid already. */
export function mergeSettings(before: KeptSettings, changes: SettingsChanges): MergedSettings {
  const hsts = merged(before.hsts, changes.hsts, mergeHsts);
  if (isRefusal(hsts)) return hsts;
  const query = merged(before.query, changes.query, mergeQuery);
  if (isRefusal(query)) return query;
  const signedUrls = merged(before.signedUrls, changes.signedUrls, mergeSignedUrls);
  if (isRefusal(signedUrls)) return signedUrls;
  const httpsRedirect = merged(before.httpsRedirect, changes.httpsRedirect, replace);
  const errorPage = merged(before.errorPage, changes.errorPage, replace);
  const compression = merged(before.compression, changes.compression, replace);
  return {
    kind: "merged",
    settings: {
      ...(httpsRedirect === true ? { httpsRedirect } : {}),
      ...(hsts === undefined ? {} : { hsts }),
      ...(errorPage === undefined ? {} : { errorPage }),
      ...(compression === true ? { compression } : {}),
      ...(query === undefined ? {} : { query }),
      ...(signedUrls === undefined ? {} : { signedUrls }),
    },
  };
}

/** What a secret of signed URLs is sealed for. */
export function urlSecretsPurpose(endpointId: string): string {
  return `cdn/${endpointId}/url-secrets`;
}

/** Settings as an edge needs them; secrets are opened only for those who use them. */
export function edgeSettings(
  { signedUrls, ...settings }: KeptSettings,
  secrets: () => readonly string[],
): EndpointSettings {
  if (signedUrls?.enabled !== true) return settings;
  return { ...settings, signedUrls: { secrets: secrets() } };
}

type Refusal = MergedSettings & { readonly kind: "invalid" };

function invalid(reason: string): Refusal {
  return { kind: "invalid", reason };
}

function isRefusal(value: object | undefined): value is Refusal {
  return value !== undefined && "kind" in value && value.kind === "invalid";
}

/** A change that is absent keeps what was there, and `null` ends it. */
function merged<T, C, R>(
  before: T | undefined,
  change: C | null | undefined,
  merge: (before: T | undefined, change: C) => R,
): T | R | undefined {
  if (change === undefined) return before;
  return change === null ? undefined : merge(before, change);
}

function replace<T>(_: T | undefined, change: T): T {
  return change;
}

function mergeHsts(
  before: Hsts | undefined,
  change: NonNullable<SettingsChanges["hsts"]>,
): Hsts | Refusal {
  const maxAgeSeconds = change.maxAgeSeconds ?? before?.maxAgeSeconds;
  const includeSubdomains = change.includeSubdomains ?? before?.includeSubdomains ?? false;
  const preload = change.preload ?? before?.preload ?? false;
  if (maxAgeSeconds === undefined) return invalid("hsts.max_age: expected a number of seconds");
  if (preload && (!includeSubdomains || maxAgeSeconds < HSTS_PRELOAD_SECONDS_MIN)) {
    return invalid(
      "hsts.preload: expected with include_subdomains and a max_age of at least " +
        `${HSTS_PRELOAD_SECONDS_MIN}: browsers' lists take no other`,
    );
  }
  return { maxAgeSeconds, includeSubdomains, preload };
}

function mergeQuery(
  before: KeptSettings["query"],
  { mode = before?.kind ?? "all", names }: QueryChange,
): KeptSettings["query"] | Refusal {
  if (mode !== "only") {
    if (names === undefined || names.length === 0) {
      return mode === "none" ? { kind: "none" } : undefined;
    }
    return invalid("query.names: expected only with the mode only");
  }
  const kept = names ?? (before?.kind === "only" ? before.names : []);
  if (kept.length === 0) return invalid("query.names: expected at least one, for the mode only");
  return { kind: "only", names: [...new Set(kept)] };
}

function mergeSignedUrls(
  before: KeptSignedUrls | undefined,
  change: NonNullable<SettingsChanges["signedUrls"]>,
): KeptSignedUrls | Refusal | undefined {
  const enabled = change.enabled ?? before?.enabled ?? false;
  const secretCount = change.secretCount ?? before?.secretCount ?? 0;
  if (enabled && secretCount === 0) {
    return invalid("signed_urls.secrets: expected one or two, to sign URLs with");
  }
  return secretCount === 0 ? undefined : { enabled, secretCount };
}

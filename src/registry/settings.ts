import type { CollectionType } from "./collection.ts";
import type { TagPattern } from "./tag-pattern.ts";
import type { Webhook } from "./webhook.ts";

/** Which tags go when: those of a rule's repositories and patterns that nothing of it keeps. */
export interface RetentionRule {
  /** Patterns of repositories' names; `*` is all of them. */
  readonly repositories: readonly string[];
  readonly tags: readonly TagPattern[];
  /** The latest so many stay. */
  readonly keepLast?: number;
  /** Those pushed within so many days stay. */
  readonly keepDays?: number;
}

/** A collection every so many hours, after what the retention rules say has gone. */
export interface Schedule {
  readonly everyHours: number;
  readonly type: CollectionType;
}

/** What its owner has settled for a registry beside CONTRACT §4. Absent members are off. */
export interface RegistrySettings {
  /** Tags of these names are never pointed at something else, and not deleted. */
  readonly immutableTags?: readonly TagPattern[];
  /** A tag that one of them would keep stays, whatever the others say. */
  readonly retention?: readonly RetentionRule[];
  readonly schedule?: Schedule;
  readonly webhooks?: readonly Webhook[];
}

/** As a PATCH names it (RFC 7396): absent stays, null turns it off. */
export type RegistrySettingsChanges = {
  readonly [K in keyof RegistrySettings]?: RegistrySettings[K] | null | undefined;
};

/** RFC 7396, one level deep: each member is replaced as a whole. What is off is not kept. */
export function mergeSettings(
  before: RegistrySettings,
  changes: RegistrySettingsChanges,
): RegistrySettings {
  const merged = { ...before, ...defined(changes) };
  return Object.fromEntries(
    Object.entries(merged).filter(([, value]) => value !== null && !isEmpty(value)),
  ) as RegistrySettings;
}

/** The column; NULL: all is off. */
export function parseSettings(text: string | null | undefined): RegistrySettings {
  return text === null || text === undefined ? {} : (JSON.parse(text) as RegistrySettings);
}

function defined(changes: RegistrySettingsChanges): object {
  return Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined));
}

function isEmpty(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}

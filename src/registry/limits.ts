/** The management API's limits, each with its reason. Those of pushes and pulls are in `oci/limits.ts`. */

/** On the tier without a limit of its own: ten times what the largest organisations have in one. */
export const REPOSITORIES_PER_REGISTRY_MAX = 10_000;

/** A tag for each build of ten years, at 50 a day. */
export const TAGS_PER_REPOSITORY_MAX = 200_000;

/** Five for each of these tags, as an index of four platforms has; those that lost theirs count, too. */
export const MANIFESTS_PER_REPOSITORY_MAX = 1_000_000;

/** What Terraform says is allowed at most, and asks for: 50 years (CONTRACT §4.1). */
export const CREDENTIAL_SECONDS_MAX = 1_576_800_000;

/**
 * A collection waits for this long before it begins, so that whoever has started it by mistake can
 * still cancel it, and clients that look for the active one find it.
 */
export const COLLECTION_DELAY_MS = 1_000;

/** Rows looked at in one read, or written in one transaction: pushes wait for no more. */
export const COLLECTION_BATCH = 200;

/** Tags read at once, or deleted in one transaction, for retention rules. */
export const RETENTION_BATCH = 500;

/** Collections of a registry that are remembered, the latest. */
export const COLLECTIONS_KEPT = 1_000;

/** How often schedules are looked at. */
export const SCHEDULE_EVERY_MS = 60_000;

/** A schedule's hours: a year at most. */
export const SCHEDULE_HOURS_MAX = 8_784;

/** Rules and patterns are read for each tag; a person writes a few. */
export const RETENTION_RULES_MAX = 20;
export const PATTERNS_MAX = 50;
export const KEEP_LAST_MAX = 100_000;
export const KEEP_DAYS_MAX = 36_500;

/** A registry's webhooks; each is one more delivery for every push. */
export const WEBHOOKS_MAX = 5;
export const WEBHOOK_SECRET_LENGTH_MIN = 16;
export const WEBHOOK_SECRET_LENGTH_MAX = 256;
export const WEBHOOK_URL_LENGTH_MAX = 2_000;

/** Webhooks that are being told at a time, a connection each, and how often is looked for some. */
export const WEBHOOKS_AT_ONCE = 64;
export const WEBHOOKS_LOOK_EVERY_MS = 1_000;

/** Tags that a preview shows; how many there are is counted all the same. */
export const PREVIEW_TAGS_MAX = 1_000;

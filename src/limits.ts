/** The control plane's limits, each with its reason. The edge's are in `edge/limits.ts`. */

/** Every body of the contract fits in a few KiB; purges of 50 long paths are the largest. */
export const BODY_BYTES_MAX = 1_048_576;

/** CONTRACT §1.2: asked for more, a page is this long. */
export const PER_PAGE_MAX = 200;

/** Callers whose windows are remembered at a time; the one idle longest is forgotten first. */
export const RATE_LIMITED_CALLERS_MAX = 10_000;

/** What a worker has to acknowledge a change in, before it is killed and replaced (ADR 1). */
export const ACK_TIMEOUT_MS = 2_000;

/** A worker is asked this often whether it is there, and has this long to answer. */
export const HEARTBEAT_EVERY_MS = 2_000;
export const HEARTBEAT_TIMEOUT_MS = 6_000;

/** In flight when the program is told to stop: finished within this, or cut. */
export const SHUTDOWN_GRACE_MS = 10_000;

/** Starting on a cold, busy disk with 100,000 endpoints stays far below this. */
export const START_TIMEOUT_MS = 60_000;

/**
 * Keys of session tickets are replaced this often: whoever gets hold of them can read sessions of TLS
 * 1.2 of this long. A session is resumed for as long at most.
 */
export const TICKET_KEYS_LIFETIME_MS = 12 * 3_600_000;

/** Writes waiting for the writer thread. Beyond it the disk has stopped, and memory must not grow. */
export const PENDING_WRITES_MAX = 10_000;

/** One transaction's worth: long enough to share an fsync, short enough to answer soon. */
export const WRITE_GROUP_MAX = 256;

/** Patterns an endpoint's purge log keeps; past it the oldest become a purge of everything. */
export const PURGES_PER_ENDPOINT_MAX = 2_000;

/** Log rows kept for those who look at what was changed; numbers themselves never go back. */
export const FEED_ROWS_KEPT = 10_000;

/** S3's own limits: a key in bytes of UTF-8, an object in one PUT, and metadata in all. */
export const OBJECT_KEY_BYTES_MAX = 1_024;
export const OBJECT_BYTES_MAX = 5 * 1_024 ** 3;
export const OBJECT_METADATA_BYTES_MAX = 2_048;

/** A page of `space ls`, as in S3's ListObjects. */
export const OBJECTS_LISTED_MAX = 1_000;

/** The head of a control-plane request may take this long to come (slowloris). */
export const API_HEADERS_TIMEOUT_MS = 15_000;

/** A body of the contract is one packet or a few; one that trickles holds a connection. */
export const BODY_TIMEOUT_MS = 30_000;

/**
 * A connection on which nothing moves, either way, is closed: also half an upload or download. Far
 * above what the last sync of a large object, or the copy that begins a backup, takes.
 */
export const API_IDLE_TIMEOUT_MS = 120_000;

export const API_CONNECTIONS_MAX = 4_096;

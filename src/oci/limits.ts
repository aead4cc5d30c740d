/** The registry's limits, each with its reason. */

/** Distribution specification, "Pushing manifests": what every registry should take, and we do. */
export const MANIFEST_BYTES_MAX = 4 * 1_048_576;

/** Each is a row, written in one transaction: 20 times what the largest images have. */
export const MANIFEST_REFERENCES_MAX = 5_000;

/** Tags in one push by digest; the specification asks for 10 at least. */
export const PUSHED_TAGS_MAX = 50;

/** A layer. Ten times what DigitalOcean lets an image have. */
export const BLOB_BYTES_MAX = 100 * 1_024 ** 3;

/** An upload that nothing is added to for this long is abandoned. */
export const UPLOAD_EXPIRES_MS = 24 * 3_600_000;

/** Uploads an account has begun and not ended: CI that is cut off leaves some, for a day. */
export const OPEN_UPLOADS_PER_ACCOUNT_MAX = 1_000;

/** Uploads of one account that receive octets at a time; each has a buffer and an open file. */
export const STREAMING_UPLOADS_PER_ACCOUNT_MAX = 128;

/** How long a request waits for another that writes to the same upload. */
export const UPLOAD_LOCK_WAIT_MS = 30_000;

/** A writer that has sent nothing for this long gives way to one that comes back to resume. */
export const UPLOAD_STALL_MS = 3_000;

/** Hashes under way that are kept between requests; past it an upload is read again at its end. */
export const KEPT_HASHES_MAX = 4_096;

/** What is gathered before one write to the disk: 50 pushes at once take 13 MiB of it. */
export const WRITE_BYTES = 262_144;

/** Blobs are read by this much. */
export const READ_BYTES = 262_144;

/** A blob is kept for a manifest that is about to come for this long. */
export const PROTECTION_MS = 3_600_000;

/** Renewed when less than this is left: a client that was told "it is there" needs time to use it. */
export const PROTECTION_LEFT_MS = 1_800_000;

/** Names on a page of tags or repositories, unless asked for fewer or, up to the maximum, more. */
export const PAGE_DEFAULT = 1_000;
export const PAGE_MAX = 10_000;

/** Referrers on a page; with annotations a page may reach some MiB. */
export const REFERRERS_PAGE = 500;

/** Docker's own registry lets a token live for 5 minutes; large layers need longer to begin. */
export const SESSION_SECONDS = 900;

/** Repositories that one session is for: docker asks for two, for a mount. */
export const SESSION_SCOPES_MAX = 32;

/** Verified sessions that are remembered, so that a signature is checked once. */
export const KNOWN_SESSIONS_MAX = 4_096;

/** The form of docker's OAuth2 sign-in. */
export const FORM_BYTES_MAX = 65_536;

/** A request's head, with a JWT of many scopes in it. */
export const HEAD_BYTES_MAX = 32_768;

export const REGISTRY_CONNECTIONS_MAX = 4_096;

/** Where files are looked through: a slow disk stays at the pushes' service. */
export const SCRUB_BYTES_PER_SECOND = 8 * 1_048_576;

/** Between two files of the scrub, and between two looks for uploads to expire. */
export const SCRUB_PAUSE_MS = 50;
export const EXPIRY_EVERY_MS = 600_000;

/** Uploads expired in one transaction. */
export const EXPIRED_AT_ONCE_MAX = 500;

/** Every bound of what is counted and logged in one place, each with its reason. */

/**
 * Endpoints that have series of their own, in a worker and in what Prometheus reads: some ten series
 * each, so 10,000 in all, which one scrape and one small Prometheus take. The others share "other".
 */
export const COUNTED_ENDPOINTS_MAX = 1_000;

/** A worker that has not answered a scrape by then is counted as it last was: scrapes give up at 10 s. */
export const USAGE_ANSWER_TIMEOUT_MS = 1_000;

/** Exchanges wait for their lines this long at most: what `tail -f` takes for at once. */
export const LOG_FLUSH_INTERVAL_MS = 100;

/**
 * Exchanges whose lines are made in one go. What waits keeps request heads alive, so not more than
 * is useful. Measured: from 32 to 1,000 a line takes the same time.
 */
export const LOG_RECORDS_PER_BUILD = 128;

/** What one turn of the loop may leave waiting; then lines are made within it. */
export const LOG_RECORDS_MAX = 2_048;

/** Lines leave in writes of this size: 700 lines or so. */
export const LOG_PAGE_BYTES = 256 * 1024;

/** Full pages that wait for the disk: 16 MiB, a stall of 0.7 s at 50,000 requests a second. */
export const LOG_PAGES_MAX = 64;

/** Pages kept for reuse. One is filled while one is written. */
export const LOG_SPARE_PAGES_MAX = 2;

/** Of a field, target or Host the log keeps this much: above any that a browser sends. */
export const LOGGED_CHARS_MAX = 4_096;

/** How often it is looked whether the log was renamed or removed, and a failed opening repeated. */
export const LOG_ROTATION_CHECK_INTERVAL_MS = 1_000;

/** Lost lines are a line in the other log this often at most. */
export const LOG_LOSS_REPORT_INTERVAL_MS = 60_000;

/** A pipe that is full is tried again after this time. */
export const LOG_PIPE_RETRY_MS = 20;

/** POSIX: what is written to a pipe in one write of this size at most is not mixed with others'. */
export const PIPE_ATOMIC_BYTES = 4_096;

/** Lines that are made before they are put into a page: the rest of a page always takes the next. */
export const LOG_BUILD_BYTES = 64 * 1024;

/** What waits at the end of a worker has this long to reach the disk. */
export const LOG_CLOSE_TIMEOUT_MS = 1_000;

/** The access log in the data folder, of which there are two: a day of a small site in each. */
export const LOG_FILE_BYTES_MAX = 128 * 1024 * 1024;

/** How often its size is looked at: at 100 MB/s of log it is 1 GB too large then, and no more. */
export const LOG_FILE_POLL_MS = 10_000;

/** Hosts and User-Agents whose escaping is remembered, of up to 4 KiB each and cut from larger heads. */
export const REMEMBERED_TEXTS_MAX = 256;

/** A request that is explained is in a query: the largest that an edge takes, escaped. */
export const LOOPBACK_HEAD_BYTES_MAX = 128 * 1024;

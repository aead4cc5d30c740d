/** Every bound of the data plane in one place, each with its reason. */

/** A request head larger than this is 431. Browsers stay under 16 KiB with every cookie they keep. */
export const HEAD_BYTES_MAX = 32 * 1024;

/** Field lines in one request head. What real clients send is below 40; more is an attack on lookup. */
export const FIELD_LINES_MAX = 100;

/** RFC 9112 §3 asks for 8,000 octets at least; a presigned URL with a session token needs more. */
export const TARGET_BYTES_MAX = 16 * 1024;

/** Input kept while a response is written: one whole head that waits behind it, and no more. */
export const INPUT_BYTES_MAX = 32 * 1024;

/** Connections per worker: far above 10,000 idle ones, far below what a process may open. */
export const CONNECTIONS_MAX = 20_000;

/** A queue of handshakes that survives a stall of a few milliseconds under a flood. */
export const LISTEN_BACKLOG = 1_024;

/** From the first octet of a head to its last. A slow mobile client needs two round trips at most. */
export const HEAD_TIMEOUT_MS = 15_000;

/** Between requests on one connection: above the 60 s that load balancers keep theirs. */
export const IDLE_TIMEOUT_MS = 75_000;

/** A reader that takes less than one socket buffer (64 KiB) in this time is cut. */
export const WRITE_STALL_TIMEOUT_MS = 60_000;

/** A reader that others wait for has to take this much in that time: 0.5 Mbit/s. Else it is cut. */
export const HELD_UP_BYTES_MIN = 4 * 1024 * 1024;

/** After a refusal the peer may still be sending: its octets are read so that no reset eats ours. */
export const LINGER_TIMEOUT_MS = 2_000;

/** How often deadlines are looked at: no timer per connection, at the price of this precision. */
export const SWEEP_INTERVAL_MS = 1_000;

/** Bodies up to this size are one buffer, and leave with their head in one write. */
export const SMALL_BODY_BYTES_MAX = 16 * 1024;

/** The largest stored response, whatever the memory: an object above it would evict too much else. */
export const STORED_BODY_BYTES_MAX = 64 * 1024 * 1024;

/** One object takes a quarter of the store at most, or a single request empties it. */
export const STORED_BODY_SHARE_MAX = 1 / 4;

/**
 * What a stored response costs beside the text of its head and the chunks of its body: objects, map
 * entry, strings' headers. Measured with 200,000 of 1 octet: 700 on the heap, 950 of the process.
 */
export const STORED_OVERHEAD_BYTES = 1_000;

/** What one chunk costs beside its bytes. Measured: a Buffer of 224, a backing store of 200. */
export const CHUNK_OVERHEAD_BYTES = 448;

/** Fills that grow and windows take half of the memory at most: the other half stays the store's. */
export const FLIGHT_SHARE_MAX = 1 / 2;

/** The first `WINDOW_BYTES` of a fill may go beyond: small objects are stored through any crowd. */
export const FLIGHT_SHARE_OF_SMALL_MAX = 3 / 4;

/** Unread bytes of a response that is passed through: one round trip at 10 Gbit/s and 0.2 ms. */
export const WINDOW_BYTES = 256 * 1024;

/** Kept purge patterns per endpoint: past it the oldest become a purge of the whole endpoint. */
export const PURGE_PATTERNS_MAX = 2_000;

/**
 * Connections to one origin from one worker. Each reader of what is not stored holds one for as long
 * as it reads: 64 slow ones were enough to shut all others out. Stores count requests a second, not
 * connections, and 256 windows are 64 MiB at most, which the budget bounds.
 */
export const ORIGIN_CONNECTIONS_MAX = 256;

/** Fetches of one origin in flight or queued in one worker; more are answered 503 at once. */
export const ORIGIN_FETCHES_MAX = 1_024;

/** A fetch that gets no connection in this time is a 503: above what a burst takes to be served. */
export const ORIGIN_QUEUE_TIMEOUT_MS = 5_000;

/**
 * Fetches of all embedded Spaces together, each on a connection of its own: none may wait behind
 * slow readers of another Space. Each costs the control plane a socket and an open file.
 */
export const EMBEDDED_FETCHES_MAX = 4_096;

/** Origins with open connections at one time in one worker. */
export const ORIGINS_MAX = 1_000;

/** A response head of an origin. Twice what a browser sends: S3 metadata alone may take 2 KiB. */
export const ORIGIN_HEAD_BYTES_MAX = 64 * 1024;

/** TCP and TLS to an origin: three lost SYNs would take 7 s, two take 3 s. */
export const ORIGIN_CONNECT_TIMEOUT_MS = 5_000;

/** From the request sent to the response head. */
export const ORIGIN_HEAD_TIMEOUT_MS = 30_000;

/** Between two reads of a body that is not held back by us. */
export const ORIGIN_BODY_IDLE_TIMEOUT_MS = 30_000;

/** Origin failures are logged once per endpoint in this time, with the count of the others. */
export const FAILURE_LOG_INTERVAL_MS = 10_000;

/** Endpoints whose failures are counted at one time; the log itself must not grow with a flood. */
export const FAILURE_LOG_ENDPOINTS_MAX = 1_000;

/** Every bound of the data plane in one place, each with its reason. */

/** A request head larger than this is 431. Browsers stay under 16 KiB with every cookie they keep. */
export const HEAD_BYTES_MAX = 32 * 1024;

/** Field lines in one request head. What real clients send is below 40; more is an attack on lookup. */
export const FIELD_LINES_MAX = 100;

/** RFC 9112 §3 asks for 8,000 octets at least; a presigned URL with a session token needs more. */
export const TARGET_BYTES_MAX = 16 * 1024;

/** One line of the chunked coding: a size, and extensions that nobody is known to send. */
export const CHUNK_LINE_BYTES_MAX = 256;

/** Chunk extensions of one message: without a bound each octet of content could bring 256 of them. */
export const CHUNK_EXTENSION_BYTES_MAX = 16 * 1024;

/** Request content that waits for whoever reads it: a round trip at 1 Gbit/s and 2 ms. */
export const CONTENT_BYTES_MAX = 256 * 1024;

/** Request content that does not bring `CONTENT_BYTES_MIN` in this time is given up: 408. */
export const CONTENT_TIMEOUT_MS = 30_000;

/** What a sender has to bring in that time, or all that is left: modems are faster. */
export const CONTENT_BYTES_MIN = 4 * 1024;

/** Field lines that a connection remembers to recognise; browsers' are below with every cookie. */
export const KNOWN_BLOCK_BYTES_MAX = 4 * 1024;

/** What one read may bring, in memory that all connections share: as much as Node reads at once. */
export const READ_BYTES = 64 * 1024;

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

/** A reader that takes less than `STALL_BYTES_MIN` in this time is cut, whatever it speaks. */
export const WRITE_STALL_TIMEOUT_MS = 60_000;

/** 1 KiB a second. A send buffer that has grown to 4 MiB tells of it by the third: it hides 16 KiB a second. */
export const STALL_BYTES_MIN = 64 * 1024;

/** A reader that others wait for has to take this much in that time: 0.5 Mbit/s. Else it is cut. */
export const HELD_UP_BYTES_MIN = 4 * 1024 * 1024;

/** After a refusal the peer may still be sending: its octets are read so that no reset eats ours. */
export const LINGER_TIMEOUT_MS = 2_000;

/** How often deadlines are looked at: no timer per connection, at the price of this precision. */
export const SWEEP_INTERVAL_MS = 1_000;

/** Bodies up to this size are one buffer, and leave with their head in one write. */
export const SMALL_BODY_BYTES_MAX = 16 * 1024;

/** What is this small is copied behind its head, so that both leave as one buffer; all small bodies are. */
export const COPIED_BYTES_MAX = 16 * 1024;

/** One write of a stored body in the clear: the kernel refers to it, nothing is copied for it. */
export const PLAIN_BATCH_BYTES = 512 * 1024;

/** One write of a stored body over TLS: this much ciphertext is held for a reader who has stopped. */
export const TLS_BATCH_BYTES = 64 * 1024;

/**
 * One batch of ten replies of 10 KiB leaves as one buffer; all that a reader who stopped in the middle
 * of one can pin. Measured with bodies of 1 MiB over HTTP/2: a fifth faster than with 64 KiB.
 */
export const SLAB_BYTES = 128 * 1024;

/** Slabs that are kept for the next burst, 4 MiB in all. */
export const SPARE_SLABS_MAX = 32;

/** The largest stored response, whatever the memory: an object above it would evict too much else. */
export const STORED_BODY_BYTES_MAX = 64 * 1024 * 1024;

/** One object takes a quarter of the store at most, or a single request empties it. */
export const STORED_BODY_SHARE_MAX = 1 / 4;

/**
 * What a stored response costs beside the text of its head and its body: objects, strings' headers,
 * its places in tables, a ghost. Measured with 200,000: 510 on the heap, used or not, and up to 90 as
 * those tables grow (`npm run bench:policy`).
 */
export const STORED_OVERHEAD_BYTES = 600;

/** What one chunk costs beside its bytes. Measured: a Buffer of 224, a backing store of 200. */
export const CHUNK_OVERHEAD_BYTES = 448;

/** Fills that grow and windows take half of the memory at most: the other half stays the store's. */
export const FLIGHT_SHARE_MAX = 1 / 2;

/** The first `WINDOW_BYTES` of a fill may go beyond: small objects are stored through any crowd. */
export const FLIGHT_SHARE_OF_SMALL_MAX = 3 / 4;

/** Unread bytes of a response that is passed through: one round trip at 10 Gbit/s and 0.2 ms. */
export const WINDOW_BYTES = 256 * 1024;

/** Keys that are known to be answered for one client alone: 1 MiB of them, and then they are forgotten. */
export const PASSED_KEYS_MAX = 10_000;

/** Hosts that an edge finds without reading them. A client can make up any number of spellings. */
export const RECENT_HOSTS_MAX = 1_000;

/** Trailers that stay with a stored body. What is longer reaches nobody who waits for a fill. */
export const KEPT_TRAILER_BYTES_MAX = 1_024;

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

/** Endpoints, times kinds of failure, that are counted at one time; the log itself must not grow with a flood. */
export const FAILURE_LOG_ENDPOINTS_MAX = 1_000;

// ---- HTTP/2 ------------------------------------------------------------------------------------

/** Streams that are open at one time: above the 100 that RFC 9113 §6.5.2 asks for at least. */
export const HTTP2_STREAMS_MAX = 128;

/** The dynamic tables of HPACK, either side: what a peer assumes before it was told (RFC 7541). */
export const HTTP2_TABLE_BYTES_MAX = 4 * 1024;

/** Field lines of one section as sent: each crumb of a cookie is a line (RFC 9113 §8.2.3). */
export const HTTP2_FIELD_LINES_MAX = 256;

/** A field block as sent: nothing sensible is coded in twice its size. More cannot be answered 431. */
export const HTTP2_BLOCK_BYTES_MAX = 64 * 1024;

/** CONTINUATIONs of one block, of which 16 KiB fit in each: the largest block takes four. */
export const HTTP2_CONTINUATIONS_MAX = 8;

/** A request's block that is remembered to be recognised; what is repeated is indexes for the most. */
export const HTTP2_KNOWN_BLOCK_BYTES_MAX = 256;

/** Content that one connection may bring before it was taken: one stream can stall three others. */
export const HTTP2_CONNECTION_WINDOW_BYTES = 4 * CONTENT_BYTES_MAX;

/**
 * Content of one DATA frame, of which the streams send one in turn: with its head it fills one
 * record of TLS.
 */
export const HTTP2_DATA_BYTES_MAX = 16 * 1024 - 9;

/** What waits in one connection for its socket: ten replies of 10 KiB leave in one write. */
export const HTTP2_OUTPUT_BYTES_MAX = 128 * 1024;

/** From the connection to its preface, SETTINGS and their acknowledgement: as long as a head may. */
export const HTTP2_SETTINGS_TIMEOUT_MS = 15_000;

/** From the first octet of a frame to its last: 16 KiB at the pace of a modem. */
export const HTTP2_FRAME_TIMEOUT_MS = 30_000;

/**
 * Streams that a peer resets, or has us reset, before they were answered (CVE-2023-44487,
 * CVE-2025-8671): a browser that leaves a page cancels all it has open, and each is a request whose
 * work was for nothing. A reply that was taken whole earns one back, and time some.
 */
export const HTTP2_RESETS_MAX = 200;

/** Enough for one who seeks in a film; a flood is a thousand times faster. */
export const HTTP2_RESETS_PER_SECOND = 10;

/**
 * Frames that cost their sender next to nothing and ask for no content: PING, SETTINGS, PRIORITY,
 * WINDOW_UPDATE, DATA of a few octets, unknown ones. Earned back by replies and by time.
 */
export const HTTP2_CONTROLS_MAX = 2_000;

/** Above what a client sends that measures its line by PING or sends messages by the octet. */
export const HTTP2_CONTROLS_PER_SECOND = 100;

/** Window updates and priorities that go with one request and its reply. */
export const HTTP2_CONTROLS_PER_REPLY = 8;

/** Some clients open their windows again for each 4 KiB that they have read, two frames at a time. */
export const HTTP2_SENT_BYTES_PER_CONTROL = 1024;

/** DATA below this counts as such a frame: a chunk that waits costs more than it brings. */
export const HTTP2_SMALL_DATA_BYTES = 256;

/** Streams that were reset and skipped ids, of each the last: late frames for them do no harm. */
export const HTTP2_CLOSED_MAX = 256;

// ---- TLS ---------------------------------------------------------------------------------------

/**
 * What comes before it is known what a connection speaks: a ClientHello. With key shares of two
 * post-quantum groups one has 4 KiB; a TLS record ends at 16.
 */
export const FIRST_OCTETS_MAX = 16 * 1024;

/** From the connection to the end of its handshake. A slow mobile client needs four round trips. */
export const HANDSHAKE_TIMEOUT_MS = 10_000;

/**
 * Certificates whose keys and chains are parsed and kept so: for OpenSSL 34 KiB each, and some more in V8's
 * heap. The one that was shown least recently goes first, and costs 0.3 ms when it is asked for again.
 */
export const TLS_CONTEXTS_MAX = 300;

/** Tags of one stored response, 8 KiB in all. With more it has any: every purge of a tag drops it. */
export const CACHE_TAGS_MAX = 64;

/** Stored responses that a listing looks at before it lets others go on: a millisecond at most. */
export const LISTED_IN_TURN_MAX = 1_000;

/** All that a listing looks at: above what the memory and disk of one machine hold of small objects. */
export const LISTED_IN_ALL_MAX = 4_000_000;

/** Bodies in slices whose slices a listing adds up: some 20 MiB of names. Of others it says too little. */
export const LISTED_SLICED_MAX = 100_000;

/** How long heads are read from disk for a listing: 100,000 or so; who waits for it is a person. */
export const LISTED_ON_DISK_MS = 5_000;

/** Text of the paths in one answer to a listing: 1,000 of the usual length are a tenth of it. */
export const LISTED_PATHS_BYTES_MAX = 1024 * 1024;

// ---- Slices ------------------------------------------------------------------------------------

/** A longer body is kept in slices of this size, in memory and on disk: S3 answers one in 20 ms. */
export const SLICE_BYTES = 1024 * 1024;

// ---- Origins -----------------------------------------------------------------------------------

/** Fetches in a row without an answer, and the origin is down: one can be chance, or one slow object. */
export const ORIGIN_DOWN_AFTER_FAILURES = 5;

/** Failures further apart than this are no row: it is above the time in which two fetches time out. */
export const ORIGIN_FAILURES_WINDOW_MS = 60_000;

/** The first look at an origin that is down: as long as the restart of a small server takes. */
export const ORIGIN_PROBE_DELAY_MIN_MS = 100;

/** The longest wait between two: all is well within 1 s of its return, and 5 minutes are 1,000 looks. */
export const ORIGIN_PROBE_DELAY_MAX_MS = 400;

/** Interim responses to one request: browsers are sent two. More would keep its timeout from ending. */
export const ORIGIN_INTERIM_MAX = 32;

/** Field lines of a response head: above those of any server, below those that only cost memory. */
export const ORIGIN_FIELD_LINES_MAX = 500;

/** What comes before anyone reads it: what one read of a socket brings. */
export const ORIGIN_AHEAD_BYTES_MAX = 64 * 1024;

/** What is read on of a body that nobody wants, before its connection is given up instead. */
export const ORIGIN_DISCARDED_BYTES_MAX = 64 * 1024;

/** A body of a store has to bring `ORIGIN_BODY_BYTES_MIN` in this time, unless we hold it back. */
export const ORIGIN_BODY_PACE_MS = 30_000;

/** Modems are faster. Who waits for a fill waits no longer for one that trickles. */
export const ORIGIN_BODY_BYTES_MIN = 4 * 1024;

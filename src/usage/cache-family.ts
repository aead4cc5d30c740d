import { DURATION_BOUNDS, type Family, STATUS_CLASSES } from "./family.ts";

/** Why a fetch had no answer, or not all of one: the edge's own words, which Cache-Status has too. */
export const FETCH_FAILURES = [
  "unusable-path",
  "unusable-request",
  "origin-broke-off",
  "origin-busy",
  "origin-down",
  "origin-forbidden",
  "origin-invalid",
  "origin-timeout",
  "origin-unreachable",
  "client-left",
] as const;
export type FetchFailure = (typeof FETCH_FAILURES)[number];
export const FETCH_RESULTS = [...STATUS_CLASSES, ...FETCH_FAILURES];

const FETCH_OUTCOMES = ["answered", "failed"] as const;
export const REVALIDATION_RESULTS = ["confirmed", "replaced", "failed"] as const;
export type RevalidationResult = (typeof REVALIDATION_RESULTS)[number];
export const STALE_REASONS = ["while-revalidate", "if-error"] as const;
export type StaleReason = (typeof STALE_REASONS)[number];
export const PURGE_KINDS = ["hard", "soft"] as const;
export type PurgeKind = (typeof PURGE_KINDS)[number];
export const COMPRESSION_CODINGS = ["br", "zstd", "gzip"] as const;
export type CompressionCoding = (typeof COMPRESSION_CODINGS)[number];
export const COMPRESSION_RESULTS = ["made", "useless", "refused", "failed"] as const;
export type CompressionResult = (typeof COMPRESSION_RESULTS)[number];
const SIBLING_RESULTS = ["answered", "failed", "broken"] as const;
const DISK_READ_RESULTS = ["quick", "read", "absent", "corrupt", "failed", "skipped"] as const;
const DISK_WRITE_RESULTS = ["written", "dropped"] as const;

/** Of the cache, as each worker counts it. What is found fresh in memory costs none of these anything. */
export const CACHE_FAMILIES = {
  fetches: {
    name: "atoll_edge_origin_fetches_total",
    help: "Fetches from origins, by class of status or by what went wrong; one whose body broke off counts as both.",
    type: "counter",
    labels: { result: FETCH_RESULTS },
  },
  fetchDurations: {
    name: "atoll_edge_origin_fetch_duration_seconds",
    help: "Time from a fetch's beginning, its wait for a connection included, to the head of the answer, or to its failure.",
    type: "histogram",
    labels: { outcome: FETCH_OUTCOMES },
    bounds: DURATION_BOUNDS,
  },
  collapsed: {
    name: "atoll_edge_collapsed_requests_total",
    help: "Requests that waited for a fetch which another one had begun.",
    type: "counter",
    labels: {},
  },
  revalidations: {
    name: "atoll_edge_revalidations_total",
    help: "Stored responses that the origin was asked to confirm, by what came of it.",
    type: "counter",
    labels: { result: REVALIDATION_RESULTS },
  },
  staleServed: {
    name: "atoll_edge_stale_served_total",
    help: "Replies from what was stale, by why that was permitted.",
    type: "counter",
    labels: { reason: STALE_REASONS },
  },
  purges: {
    name: "atoll_edge_purges_total",
    help: "Purges that workers have taken up: each purge by every worker.",
    type: "counter",
    labels: { kind: PURGE_KINDS },
  },
  slicesFetched: {
    name: "atoll_edge_slices_fetched_total",
    help: "Slices of large bodies that have come whole.",
    type: "counter",
    labels: {},
  },
  compressions: {
    name: "atoll_edge_compressions_total",
    help: "Bodies that were to be compressed, by coding and by what came of it.",
    type: "counter",
    labels: { coding: COMPRESSION_CODINGS, result: COMPRESSION_RESULTS },
  },
  siblingQuestions: {
    name: "atoll_edge_sibling_questions_total",
    help: "Fetches that a worker asked of the one that has the key, by what came of it; failed ones went to the origin, a broken one was answered and broke off.",
    type: "counter",
    labels: { result: SIBLING_RESULTS },
  },
  memoryObjects: {
    name: "atoll_edge_memory_objects",
    help: "Stored responses and slices in the workers' memory, each worker's own.",
    type: "gauge",
    labels: {},
  },
  memoryBytes: {
    name: "atoll_edge_memory_bytes",
    help: "Octets that they take, heads and bookkeeping included.",
    type: "gauge",
    labels: {},
  },
  memoryGhosts: {
    name: "atoll_edge_memory_ghosts",
    help: "Evicted objects that are remembered, so that those that come back stay.",
    type: "gauge",
    labels: {},
  },
  memoryEvictions: {
    name: "atoll_edge_memory_evictions_total",
    help: "Objects that had to make room in memory.",
    type: "counter",
    labels: {},
  },
  diskReads: {
    name: "atoll_edge_disk_reads_total",
    help: "Entries that were looked for on disk; quick ones were read from the page cache between two turns.",
    type: "counter",
    labels: { result: DISK_READ_RESULTS },
  },
  diskReadBytes: {
    name: "atoll_edge_disk_read_bytes_total",
    help: "Octets of bodies that were read from disk.",
    type: "counter",
    labels: {},
  },
  diskWrites: {
    name: "atoll_edge_disk_writes_total",
    help: "Entries for the disk; dropped are those that it could not take.",
    type: "counter",
    labels: { result: DISK_WRITE_RESULTS },
  },
  diskWrittenBytes: {
    name: "atoll_edge_disk_written_bytes_total",
    help: "Octets that were written to disk.",
    type: "counter",
    labels: {},
  },
  diskQueuedBytes: {
    name: "atoll_edge_disk_queued_bytes",
    help: "Octets that wait to be written.",
    type: "gauge",
    labels: {},
  },
  diskOpenFiles: {
    name: "atoll_edge_disk_open_files",
    help: "Entries whose files are kept open.",
    type: "gauge",
    labels: {},
  },
} as const satisfies Record<string, Family>;
export type CacheFamily = keyof typeof CACHE_FAMILIES;

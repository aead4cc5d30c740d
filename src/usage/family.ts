/** A metric family, in Prometheus' words: one name, one number for each combination of labels. */
export interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "gauge" | "histogram";
  /** Each label with all its values; the place of a number follows from them, the last fastest. */
  readonly labels: Readonly<Record<string, readonly string[]>>;
  /** A histogram's upper bounds: after its buckets and the one above them comes the sum. */
  readonly bounds?: readonly number[];
}

/** A family of one process: few series, made when they are asked for. */
export interface PlainFamily extends Pick<Family, "name" | "help" | "type"> {
  /** Labels (names and values, alternating) and value of each series. */
  readonly series: readonly (readonly [labels: readonly string[], value: number])[];
}

/** The numbers of some families, each in one array that is laid out by its labels. */
export type Values<Name extends string> = Readonly<Record<Name, Float64Array>>;

/** `x-cache`'s words; NONE is an answer that no endpoint gave. */
export const CACHE_RESULTS = ["HIT", "MISS", "STALE", "REVALIDATED", "BYPASS", "NONE"] as const;
export type CacheResult = (typeof CACHE_RESULTS)[number];

export const STATUS_CLASSES = ["1xx", "2xx", "3xx", "4xx", "5xx"] as const;
export const PROTOCOLS = ["HTTP/1.0", "HTTP/1.1", "HTTP/2.0"] as const;
export type Protocol = (typeof PROTOCOLS)[number];
export const HANDSHAKE_RESULTS = ["full", "resumed", "failed"] as const;
export type HandshakeResult = (typeof HANDSHAKE_RESULTS)[number];
const OFF_ON = ["off", "on"];

/** In seconds. A hit takes 0.1 ms, an origin 10 to 500 ms, a large body to a slow reader minutes. */
export const DURATION_BOUNDS: readonly number[] = [
  0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1,
  2.5, 5, 10, 30, 60,
];

/** Counted for each endpoint, whose id is one label more. */
export const ENDPOINT_FAMILIES = {
  requests: {
    name: "atoll_edge_requests_total",
    help: "Requests that were answered, by endpoint, x-cache and class of status.",
    type: "counter",
    labels: { cache: CACHE_RESULTS, status: STATUS_CLASSES },
  },
  responseBytes: {
    name: "atoll_edge_response_bytes_total",
    help: "Octets of content that were sent to clients.",
    type: "counter",
    labels: {},
  },
} as const satisfies Record<string, Family>;
export type EndpointFamily = keyof typeof ENDPOINT_FAMILIES;

/** Counted for a worker as a whole. */
export const EDGE_FAMILIES = {
  protocols: {
    name: "atoll_edge_protocol_requests_total",
    help: "Requests that were answered, by version of HTTP.",
    type: "counter",
    labels: { protocol: PROTOCOLS, tls: OFF_ON },
  },
  durations: {
    name: "atoll_edge_request_duration_seconds",
    help: "Time from a request's head to the last octet of its reply, by x-cache.",
    type: "histogram",
    labels: { cache: CACHE_RESULTS },
    bounds: DURATION_BOUNDS,
  },
  aborted: {
    name: "atoll_edge_replies_aborted_total",
    help: "Replies of which not everything was sent.",
    type: "counter",
    labels: {},
  },
  connections: {
    name: "atoll_edge_connections",
    help: "Connections that are open and speak HTTP.",
    type: "gauge",
    labels: { protocol: PROTOCOLS, tls: OFF_ON },
  },
  accepted: {
    name: "atoll_edge_connections_total",
    help: "Connections that were accepted.",
    type: "counter",
    labels: { tls: OFF_ON },
  },
  refused: {
    name: "atoll_edge_connections_refused_total",
    help: "Connections that were refused for want of room.",
    type: "counter",
    labels: {},
  },
  handshakes: {
    name: "atoll_edge_tls_handshakes_total",
    help: "TLS handshakes, by how they ended.",
    type: "counter",
    labels: { result: HANDSHAKE_RESULTS },
  },
  logLinesDropped: {
    name: "atoll_edge_access_log_lines_dropped_total",
    help: "Lines that the access log lost because the disk was full, slow or gone.",
    type: "counter",
    labels: {},
  },
  cpuSeconds: {
    name: "atoll_edge_cpu_seconds_total",
    help: "CPU time of the edge workers, user and system.",
    type: "counter",
    labels: {},
  },
  residentBytes: {
    name: "atoll_edge_resident_memory_bytes",
    help: "Resident memory of the edge workers.",
    type: "gauge",
    labels: {},
  },
} as const satisfies Record<string, Family>;
export type EdgeFamily = keyof typeof EDGE_FAMILIES;

/** Numbers that one combination of labels has. */
export function numbersPerSeries(family: Family): number {
  return family.bounds === undefined ? 1 : family.bounds.length + 2;
}

/** Zeros. */
export function newValues<Name extends string>(families: Record<Name, Family>): Values<Name> {
  const names = Object.keys(families) as Name[];
  const entries = names.map((name) => [name, new Float64Array(sizeOf(families[name]))]);
  return Object.fromEntries(entries) as Values<Name>;
}

export function copyValues<Name extends string>(values: Values<Name>): Values<Name> {
  const names = Object.keys(values) as Name[];
  return Object.fromEntries(names.map((name) => [name, values[name].slice()])) as Values<Name>;
}

/** A place of these arrays always exists: the labels that it is computed from are closed unions. */
export function add(numbers: Float64Array, place: number, amount: number): void {
  numbers[place] = (numbers[place] ?? 0) + amount;
}

/** Notes a duration in the histogram whose numbers begin at `first`; its bounds are `DURATION_BOUNDS`. */
export function noteDuration(numbers: Float64Array, first: number, seconds: number): void {
  add(numbers, first + bucketOf(seconds), 1);
  add(numbers, first + DURATION_BOUNDS.length + 1, seconds);
}

/** An origin may send a status that no class has (RFC 9110 §15: treat it as a 5xx). */
export function statusPlace(status: number): number {
  return status >= 100 && status < 600 ? Math.floor(status / 100) - 1 : 4;
}

/** From the smallest up: a hit is found at once, and what takes longer has the time. */
function bucketOf(seconds: number): number {
  let bucket = 0;
  while (bucket < DURATION_BOUNDS.length && seconds > (DURATION_BOUNDS[bucket] ?? 0)) bucket += 1;
  return bucket;
}

function sizeOf(family: Family): number {
  const combinations = Object.values(family.labels).reduce((n, values) => n * values.length, 1);
  return combinations * numbersPerSeries(family);
}

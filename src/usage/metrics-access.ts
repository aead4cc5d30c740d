/** What is known of a request for `/metrics`. */
export interface MetricsRequest {
  /** IP address of the connection's other end. */
  readonly peer: string;
  /** The Host field, with or without a port. */
  readonly host: string;
  readonly header: (name: string) => string | undefined;
  /** Whether it brought a credential that may see every account's traffic. */
  readonly authorized: boolean;
}

/** With the reason, for the log and the 401. */
export type MetricsAccess =
  | { readonly kind: "allowed"; readonly by: "credential" | "loopback" }
  | { readonly kind: "refused"; readonly reason: "not-loopback" | "proxied" | "browser" };

/** Fields that a proxy on this machine adds: its peer is somebody else, wherever that is. */
const PROXY_FIELDS = ["forwarded", "via", "x-forwarded-for", "x-real-ip"];

const LOOPBACK_ADDRESS = /^(?:127(?:\.\d{1,3}){3}|::1|::ffff:127(?:\.\d{1,3}){3})$/;
const LOOPBACK_HOST = /^(?:(?:[\w-]+\.)*localhost|127(?:\.\d{1,3}){3}|\[::1\])\.?(?::\d+)?$/i;

/**
 * Who may read the metrics: whoever has a credential for them, and programs on this machine. A web
 * page in a browser on this machine is not one: it sends an Origin, or, when its own name was made
 * to point here, a Host that is not this machine's.
 */
export function decideMetricsAccess(request: MetricsRequest): MetricsAccess {
  if (request.authorized) return { kind: "allowed", by: "credential" };
  if (!LOOPBACK_ADDRESS.test(request.peer)) return { kind: "refused", reason: "not-loopback" };
  if (PROXY_FIELDS.some((name) => request.header(name) !== undefined)) {
    return { kind: "refused", reason: "proxied" };
  }
  const page = request.header("origin") ?? request.header("sec-fetch-site");
  if ((page !== undefined && page !== "none") || !LOOPBACK_HOST.test(request.host)) {
    return { kind: "refused", reason: "browser" };
  }
  return { kind: "allowed", by: "loopback" };
}

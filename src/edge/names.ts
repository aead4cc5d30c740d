import type { EdgeEndpoint, FeedEntry } from "#feed/entry.ts";
import type { EndpointCounters } from "#usage/edge-counters.ts";
import { PurgeList } from "./cache/purges.ts";
import { RECENT_HOSTS_MAX } from "./limits.ts";

/** An endpoint as it is now, and what was purged of it. Requests in flight see it change. */
export interface LiveEndpoint {
  endpoint: EdgeEndpoint;
  purges: PurgeList | undefined;
  /** What was answered for it. */
  counters: EndpointCounters | undefined;
}

/** What is to be dropped of an endpoint or, if it is soft, to be stale. */
type Purge = Omit<Extract<FeedEntry, { kind: "purge" }>, "kind">;

/** Every endpoint answers on `<space>.<region>.cdn.` and this, so that a browser reaches it. */
const LOCAL_DOMAIN = "spaces.localhost";
const CDN_LABEL = ".cdn.";

/** Which endpoint a Host means. */
export class EndpointDirectory {
  readonly #byId = new Map<string, LiveEndpoint>();
  /** By `<space>.<region>`. */
  readonly #bySpace = new Map<string, LiveEndpoint>();
  readonly #byCustomDomain = new Map<string, LiveEndpoint>();
  /** Of `atoll edge`: the one endpoint of its edge. */
  #proxy: LiveEndpoint | undefined;
  /** Hosts as they were written, of late: most requests are for a few. Emptied by each change. */
  readonly #recent = new Map<string, LiveEndpoint>();
  /** Regions and Spaces domains are few: one string each serves 100,000 endpoints. */
  readonly #shared = new Map<string, string>();

  /** Finds by the Host field: in any case, with or without a port and a trailing dot. */
  find(host: string): LiveEndpoint | undefined {
    const recent = this.#recent.get(host);
    if (recent !== undefined) return recent;
    const live = this.#proxy ?? this.#find(hostName(host));
    if (live === undefined) return undefined;
    if (this.#recent.size >= RECENT_HOSTS_MAX) this.#recent.clear();
    this.#recent.set(host, live);
    return live;
  }

  #find(name: string): LiveEndpoint | undefined {
    const label = name.indexOf(CDN_LABEL);
    if (label > 0) {
      const live = this.#bySpace.get(name.slice(0, label));
      const domain = name.slice(label + CDN_LABEL.length);
      if (live !== undefined && (domain === LOCAL_DOMAIN || domain === live.endpoint.domain)) {
        return live;
      }
    }
    return this.#byCustomDomain.get(name);
  }

  withId(id: string): LiveEndpoint | undefined {
    return this.#byId.get(id);
  }

  /** Adds an endpoint, or changes the one that has its id; its purges stay. */
  put(endpoint: EdgeEndpoint): void {
    this.#recent.clear();
    const known = this.#byId.get(endpoint.id);
    if (known !== undefined) this.#unname(known);
    const live: LiveEndpoint = known ?? { endpoint, purges: undefined, counters: undefined };
    live.endpoint = {
      ...endpoint,
      region: this.#share(endpoint.region),
      domain: this.#share(endpoint.domain.toLowerCase()),
    };
    this.#byId.set(endpoint.id, live);
    if (endpoint.role === "proxy") this.#proxy = live;
    this.#bySpace.set(spaceKey(endpoint), live);
    const { customDomain } = endpoint;
    if (customDomain !== undefined) this.#byCustomDomain.set(customDomain.toLowerCase(), live);
  }

  delete(id: string): void {
    const live = this.#byId.get(id);
    if (live === undefined) return;
    this.#byId.delete(id);
    this.#recent.clear();
    if (this.#proxy === live) this.#proxy = undefined;
    this.#unname(live);
  }

  /** A purge of an endpoint that is gone has nothing left to drop. */
  purge({ id, number, patterns, soft }: Purge): void {
    const live = this.#byId.get(id);
    if (live === undefined) return;
    live.purges ??= new PurgeList();
    live.purges.record(number, patterns, soft);
  }

  /** A name may belong to another endpoint by now; then it is not ours to take away. */
  #unname(live: LiveEndpoint): void {
    const space = spaceKey(live.endpoint);
    if (this.#bySpace.get(space) === live) this.#bySpace.delete(space);
    const domain = live.endpoint.customDomain?.toLowerCase();
    if (domain !== undefined && this.#byCustomDomain.get(domain) === live) {
      this.#byCustomDomain.delete(domain);
    }
  }

  #share(text: string): string {
    const shared = this.#shared.get(text);
    if (shared !== undefined) return shared;
    this.#shared.set(text, text);
    return text;
  }
}

function spaceKey(endpoint: EdgeEndpoint): string {
  return `${endpoint.space}.${endpoint.region}`;
}

/** RFC 9110 §4.2.3: the host is case-insensitive. A trailing dot is the same name, fully written. */
export function hostName(host: string): string {
  let end = host.lastIndexOf(":");
  if (end < 0 || host.endsWith("]")) end = host.length;
  if (host.charCodeAt(end - 1) === 0x2e) end -= 1;
  return host.slice(0, end).toLowerCase();
}

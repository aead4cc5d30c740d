/** An endpoint as a client shows it. */
export interface Seen {
  readonly id: string;
  readonly origin: string;
  readonly ttl: number;
  readonly customDomain: string | undefined;
}

/** Where a client is pointed, and as whom. */
export interface Target {
  readonly url: string;
  readonly token: string;
}

/**
 * What every client of DigitalOcean's API can do, each in its own words. A failure rejects with an
 * error whose text has the API's message in it.
 */
export interface CdnClient {
  create(origin: string, ttl: number): Promise<Seen>;
  get(id: string): Promise<Seen>;
  /** All there are, over as many pages as it takes. */
  list(): Promise<readonly Seen[]>;
  flush(id: string, files: readonly string[]): Promise<void>;
  delete(id: string): Promise<void>;
  /** Absent: this client cannot. */
  readonly update?: (id: string, ttl: number) => Promise<Seen>;
  readonly setDomain?: (id: string, domain: string) => Promise<Seen>;
  readonly clearDomain?: (id: string) => Promise<Seen>;
}

export interface ClientKind {
  readonly name: string;
  /** What it does with a 429: hands it on, or waits as `retry-after` says and asks again. */
  readonly whenLimited: "fails" | "waits";
  open(target: Target): Promise<CdnClient & AsyncDisposable>;
}

/** Follows pages until one is not full. */
export async function allPages<T>(
  perPage: number,
  pageAt: (page: number) => Promise<readonly T[]>,
): Promise<readonly T[]> {
  const all: T[] = [];
  for (let page = 1; ; page += 1) {
    const found = await pageAt(page);
    all.push(...found);
    if (found.length < perPage) return all;
  }
}

import type { SelfCheck } from "#certificate/authorize.ts";
import { LOCAL } from "#certificate/renewal.ts";
import type { Config } from "./config.ts";
import { platformNames } from "./listeners.ts";
import type { Storage } from "./storage.ts";

/**
 * Certificates of a CA for the platform's own names, where there is such a CA and a domain: one for
 * each of the control plane's, and for endpoints a wildcard per region where our DNS responder is asked for
 * it, else one for each endpoint. Until they are there, the local CA's serve.
 */
export class PlatformCertificates {
  readonly #storage: Storage;
  /** Absent: the local CA has all names. */
  readonly #domain: string | undefined;
  #refreshed: Promise<void> = Promise.resolve();
  #next: Promise<void> | undefined;

  private constructor({ domain, acme }: Config, storage: Storage) {
    this.#storage = storage;
    this.#domain = acme.directory === LOCAL ? undefined : domain;
  }

  /** Takes back what is of another configuration, so that the local CA knows what is left to it. */
  static async open(config: Config, storage: Storage): Promise<PlatformCertificates> {
    const certificates = new PlatformCertificates(config, storage);
    const suffix = certificates.#suffix;
    const names = certificates
      .#own()
      .filter((name) => suffix !== undefined && name.endsWith(suffix));
    await storage.accountCertificates.setOwn([...certificates.#control(), ...names]);
    return certificates;
  }

  /** Whether endpoints of this Spaces domain are under the platform's own. */
  has(spacesDomain: string): boolean {
    return this.#domain !== undefined && spacesDomain === `spaces.${this.#domain}`;
  }

  /** Brings them in line with the endpoints that there are and with who is asked by DNS now. */
  refresh(check: SelfCheck): Promise<void> {
    // Whoever asks while one is under way shares the next.
    this.#next ??= this.#refreshed.then(() => {
      this.#next = undefined;
      return this.#refresh(check);
    });
    this.#refreshed = this.#next.catch(() => undefined);
    return this.#next;
  }

  async #refresh(check: SelfCheck): Promise<void> {
    const { endpoints, accountCertificates } = this.#storage;
    const names = new Set(this.#control());
    for (const region of endpoints.regions().filter(({ domain }) => this.has(domain))) {
      const under = `.${region.region}${this.#suffix}`;
      const wildcard = `*${under}`;
      const isDelegated = await check.delegated(under.slice(1));
      const before = new Map(accountCertificates.own().map((own) => [own.name, own.isIssued]));
      const hasWildcard = before.get(wildcard) === true;
      if (isDelegated || hasWildcard) names.add(wildcard);
      for (const space of endpoints.spacesIn(region)) {
        const host = `${space}${under}`;
        // What serves an endpoint stays until something else does.
        if (!isDelegated || (before.has(host) && !hasWildcard)) names.add(host);
      }
    }
    await accountCertificates.setOwn([...names]);
  }

  get #suffix(): string | undefined {
    return this.#domain === undefined ? undefined : `.cdn.spaces.${this.#domain}`;
  }

  #control(): readonly string[] {
    return this.#domain === undefined ? [] : platformNames(this.#domain, []);
  }

  #own(): readonly string[] {
    return this.#storage.accountCertificates.own().map(({ name }) => name);
  }
}

import { type EdgeCertificate, EVERY_NAME } from "#feed/entry.ts";
import { TextMemory } from "./text-memory.ts";

/** A certificate whose texts need not be V8's. */
export interface KeptCertificate extends Omit<EdgeCertificate, "certPem" | "keyPem"> {
  readonly certPem: string | Buffer;
  readonly keyPem: string | Buffer;
}

/** Which certificate is shown for a name. Both lookups cost the same with one as with 10,000. */
export class CertificateDirectory {
  readonly #byId = new Map<string, KeptCertificate>();
  /** Exact names and wildcards as written; of each the certificates that have it, best first. */
  readonly #byName = new Map<string, readonly KeptCertificate[]>();
  readonly #texts = new TextMemory();

  /** Adds a certificate, or puts it in the place of the one that has its id. */
  put(given: EdgeCertificate): void {
    this.delete(given.id);
    const certPem = this.#texts.keep(given.certPem);
    const keyPem = this.#texts.keep(given.keyPem);
    const certificate: KeptCertificate = { ...given, certPem, keyPem };
    this.#byId.set(certificate.id, certificate);
    for (const name of namesOf(certificate)) {
      const all = [...(this.#byName.get(name) ?? []), certificate];
      this.#byName.set(name, all.toSorted(byPreference));
    }
  }

  delete(id: string): void {
    const certificate = this.#byId.get(id);
    if (certificate === undefined) return;
    this.#byId.delete(id);
    for (const name of namesOf(certificate)) {
      const others = (this.#byName.get(name) ?? []).filter((other) => other !== certificate);
      if (others.length === 0) this.#byName.delete(name);
      else this.#byName.set(name, others);
    }
  }

  /**
   * Finds by a host name in lower case, without a trailing dot: exact first, then by wildcard. Who
   * names nobody is shown what is for every name.
   */
  find(name: string | undefined): KeptCertificate | undefined {
    const named =
      name === undefined ? undefined : (this.#best(name) ?? this.#best(wildcardOf(name)));
    return named ?? this.#best(EVERY_NAME);
  }

  #best(name: string): KeptCertificate | undefined {
    return this.#byName.get(name)?.[0];
  }
}

/** Whether a certificate with these names (lower case) is good for a host name (RFC 9525 §6.3). */
export function coversName(names: ReadonlySet<string>, name: string): boolean {
  return names.has(name) || names.has(wildcardOf(name)) || names.has(EVERY_NAME);
}

/** RFC 9525 §6.3: a wildcard is the whole left-most label, and stands for exactly one. */
function wildcardOf(name: string): string {
  const dot = name.indexOf(".");
  return dot <= 0 ? "" : `*${name.slice(dot)}`;
}

function namesOf({ names }: KeptCertificate): ReadonlySet<string> {
  return new Set(names.map((name) => name.toLowerCase()));
}

/** The one that lasts longest; of equals always the same, on every worker and after each restart. */
function byPreference(one: KeptCertificate, other: KeptCertificate): number {
  if (one.notAfter !== other.notAfter) return other.notAfter - one.notAfter;
  return one.id < other.id ? -1 : 1;
}

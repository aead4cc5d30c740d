import { isIP } from "node:net";

/**
 * The local CA: it signs what has no public certificate, so that TLS works on a laptop, in CI and
 * air-gapped. Here are its rules; an adapter makes the keys and the signatures.
 */

const DAY_MS = 86_400_000;

/** A person trusts it by hand, so it should outlive the machine. */
const CA_LIFETIME_DAYS = 3_650;

/** Apple's limit for a server certificate is 398 days; others follow it. */
export const LEAF_LIFETIME_DAYS = 397;

/** A client's clock may be behind the CA's. */
const BACKDATE_MS = 3_600_000;

/** More names than this on one leaf are a mistake, and make every handshake longer. */
const LEAF_NAMES_MAX = 100;

/** What a leaf is for. */
export type LeafLabel = "api" | "registry";

/** A CA as it is kept between starts. */
export interface CaPair {
  /** PEM. */
  readonly cert: string;
  /** PEM: PKCS #8, or SEC1 if it was brought so. */
  readonly key: string;
}

/** Port: where the CA is kept. Its key is secret: what keeps it seals it. */
export interface CaStore {
  find(): Promise<CaPair | undefined>;
  put(ca: CaPair): Promise<void>;
}

export interface LeafPair {
  /** PEM: the leaf alone, since a client that trusts the CA has the CA. */
  readonly cert: string;
  /** PEM, PKCS #8. */
  readonly key: string;
}

/** What a TLS listener is given. */
export interface Leaf extends LeafPair {
  readonly notAfter: Date;
}

/** Port: a CA of our own, which lasts as long as the data folder. */
export interface LocalCa {
  readonly caPem: string;
  /**
   * A leaf for exactly these names (host names, wildcards, IP addresses). It is kept in memory and
   * handed out as long as `decideLeaf` keeps it, so it may be called as often as one likes.
   * @throws Error when a name is none, or there are none or too many.
   */
  leafFor(names: readonly string[], label: LeafLabel): Promise<Leaf>;
  /**
   * A new leaf for exactly these names, which the caller keeps; `undefined` when `decideLeaf` keeps
   * the one that the caller has.
   * @throws Error when a name is none, or there are none or too many.
   */
  newLeaf(names: readonly string[], kept: LeafPair | undefined): Promise<NewLeaf | undefined>;
}

export interface NewLeaf extends Leaf {
  readonly reason: (LeafDecision & { readonly kind: "issue" })["reason"];
}

/** A subject alternative name, as RFC 5280 §4.2.1.6 tells them apart. */
export interface LeafName {
  readonly kind: "dns" | "ip";
  /** Lower case; IPv6 in its short form (RFC 5952). Two equal names are equal strings. */
  readonly text: string;
}

/** What is stored, reduced to what the decision needs. */
export interface StoredLeaf {
  /** As `LeafName.text`. */
  readonly names: readonly string[];
  readonly notBefore: number;
  readonly notAfter: number;
  readonly keyMatches: boolean;
  readonly issuedByThisCa: boolean;
}

export type LeafDecision =
  | { readonly kind: "keep"; readonly renewAt: number }
  | {
      readonly kind: "issue";
      readonly reason: "missing" | "key" | "issuer" | "names" | "not-yet-valid" | "due";
    };

/** Whether the stored leaf still serves the wanted names. Times are in ms since the epoch. */
export function decideLeaf(
  existing: StoredLeaf | undefined,
  wanted: readonly LeafName[],
  now: number,
): LeafDecision {
  if (existing === undefined) return { kind: "issue", reason: "missing" };
  if (!existing.keyMatches) return { kind: "issue", reason: "key" };
  if (!existing.issuedByThisCa) return { kind: "issue", reason: "issuer" };
  const names = new Set(wanted.map((name) => name.text));
  const surplus = names.symmetricDifference(new Set(existing.names));
  if (surplus.size > 0) return { kind: "issue", reason: "names" };
  // The clock was ahead when it was signed, and has been set right.
  if (now < existing.notBefore) return { kind: "issue", reason: "not-yet-valid" };
  const renewAt = existing.notAfter - Math.floor((existing.notAfter - existing.notBefore) / 3);
  if (now >= renewAt) return { kind: "issue", reason: "due" };
  return { kind: "keep", renewAt };
}

export interface Validity {
  readonly notBefore: Date;
  readonly notAfter: Date;
}

/** The validity of a new CA. */
export function caValidity(now: number): Validity {
  return validity(now, CA_LIFETIME_DAYS);
}

/** The validity of a new leaf: it never outlives its issuer, or no client could check it. */
export function leafValidity(now: number, caNotAfter: Date): Validity {
  const own = validity(now, LEAF_LIFETIME_DAYS);
  return own.notAfter < caNotAfter ? own : { ...own, notAfter: caNotAfter };
}

function validity(now: number, days: number): Validity {
  // X.509 knows no milliseconds: cut here, so that what is signed is what is remembered.
  const from = Math.floor((now - BACKDATE_MS) / 1_000) * 1_000;
  return { notBefore: new Date(from), notAfter: new Date(from + days * DAY_MS) };
}

/**
 * The names of a leaf, each once and in canonical form.
 * @throws Error when one is not a name, or there are none or too many.
 */
export function parseLeafNames(names: readonly string[]): readonly LeafName[] {
  const parsed = new Map<string, LeafName>();
  for (const text of names) {
    const name = parseLeafName(text);
    if (name === undefined) throw new Error(`A certificate cannot name ${JSON.stringify(text)}`);
    parsed.set(name.text, name);
  }
  if (parsed.size === 0 || parsed.size > LEAF_NAMES_MAX) {
    throw new Error(`A certificate has 1 to ${LEAF_NAMES_MAX} names, not ${parsed.size}`);
  }
  return [...parsed.values()];
}

/** RFC 1123 labels; RFC 6125 §6.4.3: a wildcard is the whole left-most label, above two others. */
const HOST_NAME =
  /^(?=.{1,253}$)(\*\.(?=[^.]+\.[^.]))?[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/;

/** A host name, a wildcard or an IP address (with or without the brackets of a URL). */
export function parseLeafName(text: string): LeafName | undefined {
  const bare = text.replace(/^\[(.*)\]$/, "$1").toLowerCase();
  const version = isIP(bare);
  if (version === 4) return { kind: "ip", text: bare };
  if (version === 6) return canonicalIpv6(bare);
  return HOST_NAME.test(bare) ? { kind: "dns", text: bare } : undefined;
}

/** The URL standard's serializer writes IPv6 as RFC 5952 does; a zone (`%eth0`) has no place. */
function canonicalIpv6(text: string): LeafName | undefined {
  const url = URL.parse(`http://[${text}]/`);
  return url === null ? undefined : { kind: "ip", text: url.hostname.slice(1, -1) };
}

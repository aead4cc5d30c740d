import { X509Certificate } from "node:crypto";
import { chmod, mkdir } from "node:fs/promises";
import {
  type CaPair,
  type CaStore,
  decideLeaf,
  type Leaf,
  type LeafLabel,
  type LeafPair,
  type LocalCa,
  leafValidity,
  type NewLeaf,
  parseLeafName,
  parseLeafNames,
  type StoredLeaf,
} from "#certificate/local-ca.ts";
import type { Clock } from "#clock.ts";
import { keepCa } from "./kept-ca.ts";
import { parseCertificate, parseKey } from "./parse.ts";
import { signLeaf } from "./sign.ts";

/**
 * The local CA, made when there is none yet or when the one that is there has expired. Its
 * certificate is in this folder, too, for those who trust it; its key in the store alone.
 * One process at a time: whoever opens it holds the data folder.
 * @throws Error when what is there is no CA: it is never replaced unasked, since people have come
 * to trust it.
 */
export async function openLocalCa(
  directory: string,
  store: CaStore,
  clock: Clock,
): Promise<LocalCa> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await chmod(directory, 0o700);
  const issuer: Issuer = { ca: await keepCa(directory, store, clock.now()), clock };
  const leaves = new Map<LeafLabel, Leaf>();
  return {
    caPem: issuer.ca.cert,
    leafFor: async (names, label) => {
      const kept = leaves.get(label);
      const leaf = (await newLeaf(issuer, names, kept)) ?? kept;
      if (leaf === undefined) throw new Error("A leaf that is not there was kept");
      leaves.set(label, leaf);
      return leaf;
    },
    newLeaf: (names, kept) => newLeaf(issuer, names, kept),
  };
}

interface Issuer {
  readonly ca: CaPair;
  readonly clock: Clock;
}

async function newLeaf(
  { ca, clock }: Issuer,
  names: readonly string[],
  kept: LeafPair | undefined,
): Promise<NewLeaf | undefined> {
  const wanted = parseLeafNames(names);
  const issuer = new X509Certificate(ca.cert);
  const now = clock.now();
  const decision = decideLeaf(kept && describeLeaf(kept, issuer), wanted, now);
  if (decision.kind === "keep") return undefined;
  const leaf = await signLeaf(ca, wanted, leafValidity(now, issuer.validToDate));
  const { validToDate } = new X509Certificate(leaf.cert);
  return { ...leaf, notAfter: validToDate, reason: decision.reason };
}

/** Nobody trusts a leaf by itself, so one that cannot be read is as good as none. */
function describeLeaf(stored: LeafPair, issuer: X509Certificate): StoredLeaf | undefined {
  const certificate = parseCertificate(stored.cert);
  if (certificate === undefined) return undefined;
  const key = parseKey(stored.key);
  return {
    names: alternativeNames(certificate),
    notBefore: certificate.validFromDate.getTime(),
    notAfter: certificate.validToDate.getTime(),
    keyMatches: key !== undefined && certificate.checkPrivateKey(key),
    issuedByThisCa: certificate.verify(issuer.publicKey),
  };
}

/** Node prints them as `DNS:localhost, IP Address:127.0.0.1`; our own never need its quoting. */
function alternativeNames(certificate: X509Certificate): readonly string[] {
  return (certificate.subjectAltName ?? "")
    .split(", ")
    .map((name) => name.replace(/^(DNS|IP Address):/, ""))
    .map((name) => parseLeafName(name)?.text ?? name);
}

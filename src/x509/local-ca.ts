import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { chmod, mkdir } from "node:fs/promises";
import { join } from "node:path";
import {
  caValidity,
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
import { readText, writeDurably } from "#durable-file.ts";
import { type Signed, signCa, signLeaf } from "./sign.ts";

const CERTIFICATE_MODE = 0o644;
const KEY_MODE = 0o600;

/**
 * The CA in this folder, made when there is none yet or when the one that is there has expired.
 * One process at a time: whoever opens it holds the data folder.
 * @throws Error when the files are there and are not a CA's: it is never replaced unasked, since
 * people have come to trust it.
 */
export async function openLocalCa(directory: string, clock: Clock): Promise<LocalCa> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await chmod(directory, 0o700);
  const ca = (await readCa(directory, clock.now())) ?? (await makeCa(directory, clock.now()));
  return {
    caPem: ca.cert,
    leafFor: (names, label) => leafFor({ ca, directory, clock }, names, label),
    newLeaf: (names, kept) => newLeaf({ ca, directory, clock }, names, kept),
  };
}

async function makeCa(directory: string, now: number): Promise<Signed> {
  const ca = await signCa(caValidity(now));
  // The key first: a key without its certificate was never used, and is replaced next time.
  await writeDurably(join(directory, "ca.key"), ca.key, KEY_MODE);
  await writeDurably(join(directory, "ca.pem"), ca.cert, CERTIFICATE_MODE);
  return ca;
}

async function readCa(directory: string, now: number): Promise<Signed | undefined> {
  const stored = await readPair(directory, "ca");
  if (stored.cert === undefined) return undefined;
  const certificate = parseCertificate(stored.cert);
  const refuse = (what: string): Error =>
    new Error(
      `The local CA in ${directory} cannot be used: ${what}. Restore ca.pem and ca.key, ` +
        "or move both away to get a new CA, which everyone then has to trust anew.",
    );
  if (certificate === undefined) throw refuse("ca.pem is not a certificate");
  if (!certificate.ca) throw refuse("ca.pem is not a CA's certificate");
  if (certificate.validToDate.getTime() <= now) return undefined;
  if (stored.key === undefined) throw refuse("ca.key is missing");
  const key = parseKey(stored.key);
  if (key === undefined) throw refuse("ca.key is not a private key");
  if (!certificate.checkPrivateKey(key)) throw refuse("ca.key is not the key of ca.pem");
  return { cert: stored.cert, key: stored.key };
}

interface Issuer {
  readonly ca: Signed;
  readonly directory: string;
  readonly clock: Clock;
}

async function leafFor(issuer: Issuer, names: readonly string[], label: LeafLabel): Promise<Leaf> {
  const { directory } = issuer;
  const { cert, key } = await readPair(directory, label);
  const stored = cert === undefined || key === undefined ? undefined : { cert, key };
  const leaf = await newLeaf(issuer, names, stored);
  if (leaf === undefined && stored !== undefined) return withEnd(stored);
  if (leaf === undefined) throw new Error("A leaf that is not there was kept");
  await writeDurably(join(directory, `${label}.key`), leaf.key, KEY_MODE);
  await writeDurably(join(directory, `${label}.pem`), leaf.cert, CERTIFICATE_MODE);
  return leaf;
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
  return { ...withEnd(leaf), reason: decision.reason };
}

function withEnd({ cert, key }: Signed): Leaf {
  return { cert, key, notAfter: new X509Certificate(cert).validToDate };
}

interface StoredPair {
  readonly cert: string | undefined;
  readonly key: string | undefined;
}

async function readPair(directory: string, label: "ca" | LeafLabel): Promise<StoredPair> {
  return {
    cert: await readText(join(directory, `${label}.pem`)),
    key: await readText(join(directory, `${label}.key`)),
  };
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

function parseCertificate(pem: string | undefined): X509Certificate | undefined {
  if (pem === undefined) return undefined;
  try {
    return new X509Certificate(pem);
  } catch {
    return undefined; // Not a certificate; the caller says what that means.
  }
}

function parseKey(pem: string | undefined): KeyObject | undefined {
  if (pem === undefined) return undefined;
  try {
    return createPrivateKey(pem);
  } catch {
    return undefined; // Not a key; the caller says what that means.
  }
}

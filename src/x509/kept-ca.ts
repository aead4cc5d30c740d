import { open, rm } from "node:fs/promises";
import { join } from "node:path";
import { type CaPair, type CaStore, caValidity } from "#certificate/local-ca.ts";
import { readText, writeDurably } from "#durable-file.ts";
import { parseCertificate, parseKey } from "./parse.ts";
import { signCa } from "./sign.ts";

const CERTIFICATE_MODE = 0o644;

/** What earlier versions kept beside ca.pem, in the clear, and what brings another CA. */
const PLAIN_FILES = ["ca.key", "api.key", "api.pem", "registry.key", "registry.pem"];

/** What signs: the signatures of `sign.ts` are made on this curve, as OpenSSL calls it. */
const CURVE = "prime256v1";

/** What is in the folder. */
interface CaFiles {
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
}

/**
 * The CA that is there, or a new one. A key in the folder goes into the store, and then from the
 * folder: killed at any point, the CA is in one of the two and the next start goes on.
 * @throws Error when what is there is no CA, and says what to do
 */
export async function keepCa(directory: string, store: CaStore, now: number): Promise<CaPair> {
  const files: CaFiles = {
    cert: await readText(join(directory, "ca.pem")),
    key: await readText(join(directory, "ca.key")),
  };
  const kept = await store.find();
  const choice = chooseCa(files, kept, now);
  if (choice.kind === "refused") throw refusal(directory, choice.reason, kept);
  const ca = choice.kind === "found" ? choice.ca : await signCa(caValidity(now));
  if (ca.cert !== kept?.cert || ca.key !== kept.key) await store.put(ca);
  if (ca.cert !== files.cert) {
    await writeDurably(join(directory, "ca.pem"), ca.cert, CERTIFICATE_MODE);
  }
  await removePlainFiles(directory);
  return ca;
}

type CaChoice =
  | { readonly kind: "found"; readonly ca: CaPair }
  | { readonly kind: "none"; readonly reason: "missing" | "expired" }
  | { readonly kind: "refused"; readonly reason: string };

/**
 * What is in the folder comes before what is kept: an operator has put it there, or a version that
 * had nothing else. Either alone is enough where it goes with the other's half.
 */
function chooseCa(files: CaFiles, kept: CaPair | undefined, now: number): CaChoice {
  const cert = files.cert ?? kept?.cert;
  // A key without its certificate was never used.
  if (cert === undefined) return { kind: "none", reason: "missing" };
  const refused = (reason: string): CaChoice => ({ kind: "refused", reason });
  const certificate = parseCertificate(cert);
  if (certificate === undefined) return refused("ca.pem is not a certificate");
  if (!certificate.ca) return refused("ca.pem is not a CA's certificate");
  if (certificate.validToDate.getTime() <= now) {
    // A start that was killed has kept the next one already, and not come to write it here.
    if (files.cert !== undefined && kept !== undefined) return chooseCa({}, kept, now);
    return { kind: "none", reason: "expired" };
  }
  const keyPem = files.key ?? kept?.key;
  if (keyPem === undefined) return refused("its key is not in the database");
  const key = parseKey(keyPem);
  if (key === undefined) return refused("ca.key is not a private key");
  if (!certificate.checkPrivateKey(key)) {
    return refused(
      files.key === undefined
        ? "ca.pem is not the certificate of the key in the database"
        : "ca.key is not the key of ca.pem",
    );
  }
  if (key.asymmetricKeyDetails?.namedCurve !== CURVE) {
    return refused("its key is not on the curve P-256, the one that is signed with here");
  }
  return { kind: "found", ca: { cert, key: keyPem } };
}

function refusal(directory: string, reason: string, kept: CaPair | undefined): Error {
  const advice =
    kept === undefined
      ? "Bring back ca.pem and ca.key of one CA, or restore a backup; or move both files away to " +
        "get a new CA, which everyone then has to trust anew."
      : "Move ca.pem and ca.key away to go on with the CA that is in the database; or put both " +
        "files of another one there, which everyone then has to trust anew.";
  return new Error(`The local CA in ${directory} cannot be used: ${reason}. ${advice}`);
}

/** On the disk, too, before anything is signed: a backup of the folder must not find them again. */
async function removePlainFiles(directory: string): Promise<void> {
  for (const name of PLAIN_FILES) await rm(join(directory, name), { force: true });
  await using folder = await open(directory, "r");
  await folder.sync();
}

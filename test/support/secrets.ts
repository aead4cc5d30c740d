import { createPrivateKey } from "node:crypto";
import { globSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { keyPurpose } from "#certificate/serving.ts";
import { sealUnder } from "#seal.ts";
import { accountKeyPurpose } from "#sqlite/acme-account-store.ts";
import { LOCAL_CA_KEY_PURPOSE } from "#sqlite/local-ca-store.ts";

/** Where secrets are on purpose, for their owner alone: nothing else in the data folder may hold one. */
export const SECRET_FILES = ["master.key", "operator.token"];

/** Octets, by what or where they are. */
export type Octets = Map<string, Buffer>;

/** What nobody may be told of a private key: the numbers of which each alone is enough. */
export function privateNumbers(what: string, pem: string): [string, Buffer][] {
  const { d, p } = createPrivateKey(pem).export({ format: "jwk" });
  return Object.entries({ d, p }).flatMap(([name, value]) =>
    value === undefined ? [] : [[`${what} (${name})`, Buffer.from(value, "base64url")]],
  );
}

/** All that the data folder keeps secret: what is sealed in its database is opened here. */
export function secretsOf(dataDir: string): Octets {
  const read = (name: string) => readFileSync(join(dataDir, name));
  const masterKey = Buffer.from(read("master.key").toString(), "base64");
  const secrets: Octets = new Map([
    ["the master key", masterKey],
    ["the operator's token", Buffer.from(read("operator.token").toString().trim())],
  ]);
  const add = (what: string, pem: string): void => {
    for (const [name, number] of privateNumbers(what, pem)) secrets.set(name, number);
  };
  const seal = sealUnder(masterKey);
  using db = new DatabaseSync(join(dataDir, "atoll.db"), { readOnly: true });
  for (const [table, column, purpose] of [
    ["account_certificate", "id", keyPurpose],
    ["certificate", "id", keyPurpose],
    ["acme_account", "directory", accountKeyPurpose],
    ["local_ca", "id", () => LOCAL_CA_KEY_PURPOSE],
  ] as const) {
    const sql = `SELECT ${column} AS id, sealed_key FROM ${table} WHERE sealed_key IS NOT NULL`;
    const rows = db.prepare(sql).all() as { id: string; sealed_key: Uint8Array }[];
    for (const { id, sealed_key } of rows) {
      add(`the key of ${table} ${id}`, seal.open(sealed_key, purpose(id)));
    }
  }
  return secrets;
}

/** Every other file of the data folder. */
export function filesOf(dataDir: string): Octets {
  const names = globSync("**", { cwd: dataDir }).filter(
    (name) => !SECRET_FILES.includes(name) && statSync(join(dataDir, name)).isFile(),
  );
  return new Map(names.map((name) => [`the file ${name}`, readFileSync(join(dataDir, name))]));
}

/** Which secrets stand where, and PEM of private keys. */
export function told(said: Octets, secrets: Octets): string[] {
  return [...said].flatMap(([where, bytes]) => {
    const found = [...secrets].filter(([, secret]) => holds(bytes, secret)).map(([what]) => what);
    if (bytes.includes("PRIVATE KEY")) found.push("a private key");
    return found.map((what) => `${what} is in ${where}`);
  });
}

/** Without the ends of lines, which PEM has in its middle, and JSON of PEM as `\n`. */
export function holds(bytes: Buffer, secret: Buffer): boolean {
  const joined = Buffer.from(bytes.toString("latin1").replaceAll(/\r|\n|\\r|\\n/g, ""), "latin1");
  return formsOf(secret).some((form) => bytes.includes(form) || joined.includes(form));
}

/** A secret as it may stand somewhere: as it is, in hexadecimal, and within base64 at any place. */
function formsOf(secret: Buffer): readonly Buffer[] {
  const texts = [secret.toString("hex"), secret.toString("hex").toUpperCase()];
  for (const offset of [0, 1, 2]) {
    const whole = Math.floor((secret.length - offset) / 3) * 3;
    const part = secret.subarray(offset, offset + whole);
    texts.push(part.toString("base64"), part.toString("base64url"));
  }
  return [secret, ...texts.map((text) => Buffer.from(text))];
}

import assert from "node:assert/strict";
import { createPrivateKey, generateKeyPairSync } from "node:crypto";
import { statSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { startAtoll } from "../support/atoll.ts";
import { openAuthority } from "../support/certificates.ts";
import { exchange } from "../support/exchange.ts";
import { TOKEN } from "../support/program.ts";
import {
  filesOf,
  holds,
  type Octets,
  privateNumbers,
  SECRET_FILES,
  secretsOf,
  told,
} from "../support/secrets.ts";
import { until } from "../support/until.ts";
import { createEndpoint, createToken, freshName, originOf, putObject } from "../support/world.ts";

/** It is the data folder itself, for the operator, who keeps it as that. */
const BACKUP = "/atoll/v1/backup";

const atoll = await startAtoll({ env: { ATOLL_LOG_LEVEL: "debug" } });
after(() => atoll[Symbol.asyncDispose]());
const authority = await openAuthority();
after(() => authority[Symbol.asyncDispose]());

/** What Atoll has said to anybody, by who said it. */
const said: Octets = new Map();
/** What nobody may be told, by what it is. */
const secrets: Octets = new Map();

async function ask(method: string, target: string, body?: object) {
  const reply = await atoll.api(method, target, body === undefined ? {} : { body });
  const words = `${JSON.stringify(reply.headers)}\n${reply.text}`;
  said.set(`${method} ${target} (${said.size})`, Buffer.from(words));
  return reply.json;
}

function keepSecret(what: string, pem: string): void {
  for (const [name, number] of privateNumbers(what, pem)) secrets.set(name, number);
}

/** Uploads, obtains, serves, fails, retries, deletes: what there is to be said of certificates. */
async function live(): Promise<void> {
  const { cert, key } = await authority.issue("shop.example.com");
  keepSecret("an uploaded key", key);
  const uploaded = { private_key: key, leaf_certificate: cert };
  const { certificate } = await ask("POST", "/v2/certificates", { name: "web", ...uploaded });
  await ask("POST", "/v2/certificates", { name: "web", ...uploaded });
  const rsa = generateKeyPairSync("rsa", { modulusLength: 2_048 }).privateKey;
  const unfit = rsa.export({ type: "pkcs1", format: "pem" });
  keepSecret("a key that was refused", unfit);
  await ask("POST", "/v2/certificates", { name: "unfit", ...uploaded, private_key: unfit });
  const certificate_id = certificate.id;
  const members = { custom_domain: "shop.example.com", certificate_id };
  await createEndpoint(atoll, originOf("shop"), members);
  await putObject(atoll, "shop", "a.txt", "served");
  const own = { custom_domain: "own.example.com", certificate_id: "needs-cloudflare-cert" };
  await createEndpoint(atoll, originOf(freshName()), own);
  const dns_names = ["managed.example.com", "*.managed.example.com"];
  const managed = (await ask("POST", "/v2/certificates", { name: "managed", dns_names }))
    .certificate;
  await until("it is verified", async () => {
    const { json } = await atoll.api("GET", `/v2/certificates/${managed.id}`);
    return json.certificate.state === "verified";
  });
  const host = "shop.example.com";
  const ca = authority.caPem;
  const url = `${atoll.runtime.edge_tls}/a.txt`;
  const served = await exchange(url, { ca, servername: host, headers: { host } });
  assert.equal(served.text, "served");
  for (const { id } of [certificate, managed]) {
    for (const part of ["", "/events"]) await ask("GET", `/v2/certificates/${id}${part}`);
    await ask("POST", `/v2/certificates/${id}/retry`);
    await ask("DELETE", `/v2/certificates/${id}`);
  }
}

/** Every document that needs no more than a path, as its owner and as the operator. */
async function readAll(): Promise<void> {
  const { paths } = (await atoll.api("GET", "/openapi.json")).json as unknown as {
    readonly paths: Readonly<Record<string, object>>;
  };
  const targets = Object.entries(paths)
    .filter(([path, methods]) => !path.includes("{") && path !== BACKUP && "get" in methods)
    .map(([path]) => path);
  assert(targets.includes("/v2/certificates") && targets.length > 5);
  for (const target of [...targets, "/metrics", "/v2/nothing"]) {
    await ask("GET", target);
    said.set(`${target}, to the operator`, (await atoll.operator("GET", target)).body);
  }
}

describe("the secrets of a life with certificates", () => {
  before(async () => {
    const { secret } = await createToken(atoll);
    secrets.set("a token", Buffer.from(secret));
    secrets.set("the first token", Buffer.from(TOKEN));
    await live();
    await readAll();
    for (const [what, octets] of secretsOf(atoll.dataDir)) secrets.set(what, octets);
    said.set("its output", Buffer.from(atoll.output.stdout));
    said.set("its log", Buffer.from(atoll.output.stderr));
    for (const [name, bytes] of filesOf(atoll.dataDir)) said.set(name, bytes);
  });

  test("would be found, in every form", async () => {
    const { key } = await authority.issue("found.example.com");
    const d = Buffer.from(createPrivateKey(key).export({ format: "jwk" }).d ?? "", "base64url");
    const texts = [key, key.replaceAll("\n", "\r\n"), JSON.stringify({ key }), d.toString("hex")];
    for (const text of texts) assert(holds(Buffer.from(text), d), text);
    assert(holds(Buffer.concat([Buffer.from("\n"), d]), d));
    assert(!holds(Buffer.from(key), d.toReversed() as Buffer));
  });

  test("are in no file, no line of the log, no metric and no reply", () => {
    assert(said.has("the file atoll.db") && said.has("the file logs/access.log"));
    assert(secrets.size > 10);
    assert.deepEqual(told(said, secrets), []);
  });

  test("that are files are their owner's alone", () => {
    for (const name of SECRET_FILES) {
      assert.equal(statSync(join(atoll.dataDir, name)).mode & 0o777, 0o600, name);
    }
  });
});

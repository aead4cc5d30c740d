import assert from "node:assert/strict";
import { cpSync, mkdtempDisposableSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { startAtoll } from "../support/atoll.ts";
import { openAuthority } from "../support/certificates.ts";
import { atollCommand } from "../support/cli.ts";
import { exchange } from "../support/exchange.ts";
import { runAtoll, serveEnvironment } from "../support/program.ts";
import { createEndpoint, originOf } from "../support/world.ts";

const DOMAIN = "www.example.com";

/** A data folder with an uploaded certificate that an endpoint uses. */
async function fill(dataDir: string, env: Readonly<Record<string, string>> = {}) {
  await using authority = await openAuthority();
  await using atoll = await startAtoll({ dataDir, env });
  const { cert, key } = await authority.issue(DOMAIN);
  const body = { name: "kept", private_key: key, leaf_certificate: cert };
  const { certificate } = (await atoll.api("POST", "/v2/certificates", { body })).json;
  const members = { custom_domain: DOMAIN, certificate_id: certificate.id };
  await createEndpoint(atoll, originOf("kept"), members);
  const refused = atollCommand(dataDir, ["key", "rotate"]);
  await assert.rejects(refused, /another Atoll serves from it/, "not while a server runs");
  return authority.caPem;
}

async function assertServed(
  dataDir: string,
  ca: string,
  env: Readonly<Record<string, string>> = {},
): Promise<void> {
  await using atoll = await startAtoll({ dataDir, env });
  const headers = { host: DOMAIN };
  const reply = await exchange(`${atoll.runtime.edge_tls}/none`, {
    ca,
    servername: DOMAIN,
    headers,
  });
  assert.equal(reply.status, 404);
}

describe("atoll key rotate", () => {
  test("puts all secrets under a new key, and everything is served as before", async () => {
    using folder = mkdtempDisposableSync(join(tmpdir(), "atoll-rotate-"));
    const dataDir = join(folder.path, "data");
    const ca = await fill(dataDir);
    const file = join(dataDir, "master.key");
    const before = readFileSync(file, "utf8");
    const { stdout } = await atollCommand(dataDir, ["key", "rotate"]);
    assert.match(stdout, /^\d+ secrets are under a new master key/);
    assert.notEqual(readFileSync(file, "utf8"), before);
    await assertServed(dataDir, ca);
    writeFileSync(file, before);
    const wrong = await runAtoll(["serve"], serveEnvironment(dataDir));
    assert.equal(wrong.code, 1);
    assert.match(wrong.stderr, /master\.key: the database was sealed under another one/);
    rmSync(file);
    const missing = await runAtoll(["serve"], serveEnvironment(dataDir));
    assert.equal(missing.code, 1);
    assert.match(missing.stderr, /master\.key is missing\. Bring it back/);
  });

  test("goes for a key that is kept elsewhere, too", async () => {
    using folder = mkdtempDisposableSync(join(tmpdir(), "atoll-rotate-"));
    const dataDir = join(folder.path, "data");
    const file = join(folder.path, "elsewhere.key");
    const env = { ATOLL_MASTER_KEY_FILE: file };
    writeFileSync(file, `${Buffer.alloc(32, 1).toString("base64")}\n`);
    const ca = await fill(dataDir, env);
    const rotated = await runAtoll(["key", "rotate"], { ...serveEnvironment(dataDir), ...env });
    assert.equal(rotated.code, 0, rotated.stderr);
    await assertServed(dataDir, ca, env);
    cpSync(file, join(dataDir, "master.key"));
    await assertServed(dataDir, ca);
  });
});

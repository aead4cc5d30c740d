import assert from "node:assert/strict";
import {
  existsSync,
  mkdirSync,
  mkdtempDisposableSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { signCa } from "#x509/sign.ts";
import { type Atoll, startAtoll } from "../support/atoll.ts";
import { atollCommand } from "../support/cli.ts";
import { exchange } from "../support/exchange.ts";
import { runAtoll, serveEnvironment } from "../support/program.ts";
import { filesOf, secretsOf, told } from "../support/secrets.ts";

const DAY = 86_400_000;

function someCa() {
  const now = Date.now();
  return signCa({ notBefore: new Date(now - DAY), notAfter: new Date(now + 300 * DAY) });
}

/** Both TLS listeners of the control plane have leaves of this CA. */
async function assertTrusted({ runtime }: Atoll, ca: string): Promise<void> {
  assert.equal((await exchange(`${runtime.api_tls}/healthz`, { ca })).status, 200);
  assert.equal((await exchange(`${runtime.registry_tls}/v2/`, { ca })).status, 401);
}

describe("the local CA's key", () => {
  test("of a folder of an earlier version goes into the database, and nothing is trusted anew", async () => {
    using folder = mkdtempDisposableSync(join(tmpdir(), "atoll-local-ca-"));
    const dataDir = join(folder.path, "data");
    const place = join(dataDir, "ca");
    const ca = await someCa();
    mkdirSync(place, { recursive: true });
    writeFileSync(join(place, "ca.pem"), ca.cert);
    for (const name of ["ca", "api", "registry"]) writeFileSync(join(place, `${name}.key`), ca.key);
    await using atoll = await startAtoll({ dataDir });
    await assertTrusted(atoll, ca.cert);
    assert.deepEqual(readdirSync(place), ["ca.pem"]);
    const secrets = secretsOf(dataDir);
    assert([...secrets.keys()].some((what) => what.includes("local_ca")));
    assert.deepEqual(told(filesOf(dataDir), secrets), []);
    await atoll.kill();
    await atoll.start();
    await assertTrusted(atoll, ca.cert);
  });

  test("is in a backup, and under a new master key after `atoll key rotate`", async () => {
    using folder = mkdtempDisposableSync(join(tmpdir(), "atoll-local-ca-"));
    const file = join(folder.path, "backup.tar");
    const dataDir = join(folder.path, "restored");
    let ca = "";
    {
      await using atoll = await startAtoll();
      ca = readFileSync(join(atoll.dataDir, "ca/ca.pem"), "utf8");
      await atollCommand(atoll.dataDir, ["backup", file]);
    }
    await atollCommand(dataDir, ["restore", file]);
    assert.deepEqual(readdirSync(join(dataDir, "ca")), ["ca.pem"]);
    await atollCommand(dataDir, ["key", "rotate"]);
    await using atoll = await startAtoll({ dataDir });
    await assertTrusted(atoll, ca);
  });
});

describe("the local CA's certificate", () => {
  test("is written again when it is lost, and refused when it is another's", async () => {
    using folder = mkdtempDisposableSync(join(tmpdir(), "atoll-local-ca-"));
    const dataDir = join(folder.path, "data");
    const file = join(dataDir, "ca/ca.pem");
    let ca = "";
    {
      await using _atoll = await startAtoll({ dataDir });
      ca = readFileSync(file, "utf8");
    }
    writeFileSync(file, (await someCa()).cert);
    const refused = await runAtoll(["serve"], serveEnvironment(dataDir));
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /not the certificate of the key in the database\. Move ca\.pem/);
    rmSync(file);
    await using atoll = await startAtoll({ dataDir });
    assert(existsSync(file));
    await assertTrusted(atoll, ca);
  });
});

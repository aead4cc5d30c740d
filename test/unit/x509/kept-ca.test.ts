import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { promisify } from "node:util";
import type { CaPair, CaStore } from "#certificate/local-ca.ts";
import { manualClock } from "#clock.ts";
import { keepCa } from "#x509/kept-ca.ts";
import { openLocalCa } from "#x509/local-ca.ts";
import { signCa } from "#x509/sign.ts";
import { memoryCaStore } from "../../support/ca-store.ts";

const DAY = 86_400_000;
const NOW = Date.UTC(2026, 10, 22);

const root = await mkdtemp(join(tmpdir(), "atoll-kept-ca-"));
after(() => rm(root, { recursive: true }));

async function folder(files: Readonly<Record<string, string>> = {}): Promise<string> {
  const directory = await mkdtemp(join(root, "x-"));
  for (const [name, text] of Object.entries(files)) await writeFile(join(directory, name), text);
  return directory;
}

function someCa(days = 10, from = NOW - DAY): Promise<CaPair> {
  return signCa({ notBefore: new Date(from), notAfter: new Date(from + days * DAY) });
}

/** As docs/operating.md says how to. */
async function bring(directory: string, curve: string): Promise<void> {
  const files = ["-keyout", join(directory, "ca.key"), "-out", join(directory, "ca.pem")];
  const how = `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:${curve} -noenc -days 3650 -subj /CN=Ours -addext keyUsage=critical,keyCertSign,cRLSign`;
  await promisify(execFile)("openssl", [...how.split(" "), ...files]);
}

const read = (directory: string, name = "ca.pem") => readFile(join(directory, name), "utf8");

describe("the local CA", () => {
  test("is made once: its key in the store, its certificate in the folder, too", async () => {
    const directory = join(await folder(), "ca");
    const store = memoryCaStore();
    const { caPem } = await openLocalCa(directory, store, manualClock(NOW));
    assert.equal((await openLocalCa(directory, store, manualClock(NOW))).caPem, caPem);
    assert.deepEqual(await readdir(directory), ["ca.pem"]);
    assert.equal(await read(directory), caPem);
    assert.equal((await stat(directory)).mode & 0o777, 0o700);
    const kept = await store.find();
    assert.equal(kept?.cert, caPem);
    assert.match(kept.key, /BEGIN PRIVATE KEY/);
  });

  test("differs in name from every other", async () => {
    const subject = async (): Promise<string> =>
      new X509Certificate((await keepCa(await folder(), memoryCaStore(), NOW)).cert).subject;
    assert.notEqual(await subject(), await subject());
  });

  test("is made anew once it has expired", async () => {
    const directory = await folder();
    const store = memoryCaStore();
    const first = await keepCa(directory, store, NOW);
    const later = await keepCa(directory, store, NOW + 3_650 * DAY);
    assert.notEqual(later.cert, first.cert);
    assert.equal(await read(directory), later.cert);
    assert.deepEqual(await store.find(), later);
  });

  test("has its certificate in the folder again when that is gone", async () => {
    const directory = await folder();
    const store = memoryCaStore();
    const { cert } = await keepCa(directory, store, NOW);
    await rm(join(directory, "ca.pem"));
    assert.equal((await keepCa(directory, store, NOW)).cert, cert);
    assert.equal(await read(directory), cert);
  });
});

describe("a CA whose key is in the folder", () => {
  const leaves = { "api.key": "a", "api.pem": "b", "registry.key": "c", "registry.pem": "d" };

  test("is taken over, and every key is gone from there", async () => {
    const { cert, key } = await someCa();
    const directory = await folder({ "ca.pem": cert, "ca.key": key, ...leaves });
    await writeFile(join(directory, "notes.txt"), "somebody's");
    const store = memoryCaStore();
    assert.deepEqual(await keepCa(directory, store, NOW), { cert, key });
    assert.deepEqual(await store.find(), { cert, key });
    assert.deepEqual((await readdir(directory)).toSorted(), ["ca.pem", "notes.txt"]);
    assert.equal((await keepCa(directory, store, NOW)).cert, cert);
  });

  test("takes the place of the one that is kept, when an operator puts it there", async () => {
    const directory = await folder();
    const store = memoryCaStore();
    await keepCa(directory, store, NOW);
    await bring(directory, "P-256");
    const { cert } = await keepCa(directory, store, Date.now());
    assert.match(new X509Certificate(cert).subject, /CN=Ours/);
    assert.equal((await store.find())?.cert, cert);
    assert.deepEqual(await readdir(directory), ["ca.pem"]);
  });

  test("is still there if it could not be kept", async () => {
    const { cert, key } = await someCa();
    const directory = await folder({ "ca.pem": cert, "ca.key": key });
    const full: CaStore = {
      find: async () => undefined,
      put: async () => Promise.reject(new Error("the disk is full")),
    };
    await assert.rejects(keepCa(directory, full, NOW), /the disk is full/);
    assert.equal(await read(directory, "ca.key"), key);
  });

  test("was never used without its certificate", async () => {
    const directory = await folder({ "ca.key": (await someCa()).key });
    const { key } = await keepCa(directory, memoryCaStore(), NOW);
    assert.deepEqual(await readdir(directory), ["ca.pem"]);
    assert.notEqual(key, "");
  });
});

describe("a start that was killed", () => {
  test("between keeping a new CA and writing its certificate is gone on with", async () => {
    const kept = await someCa();
    const directory = await folder();
    assert.deepEqual(await keepCa(directory, memoryCaStore(kept), NOW), kept);
    assert.equal(await read(directory), kept.cert);
  });

  test("likewise when the one before has expired", async () => {
    const kept = await someCa();
    const directory = await folder({ "ca.pem": (await someCa(10, NOW - 20 * DAY)).cert });
    assert.deepEqual(await keepCa(directory, memoryCaStore(kept), NOW), kept);
    assert.equal(await read(directory), kept.cert);
  });

  test("between keeping a CA and removing its plain key is gone on with", async () => {
    const kept = await someCa();
    const directory = await folder({ "ca.pem": kept.cert, "ca.key": kept.key });
    assert.deepEqual(await keepCa(directory, memoryCaStore(kept), NOW), kept);
    assert.deepEqual(await readdir(directory), ["ca.pem"]);
  });
});

describe("a start is refused, and changes nothing, when", async () => {
  const one = await someCa();
  const other = await someCa();
  const p384 = await folder();
  await bring(p384, "P-384");
  const cases = [
    {
      when: "ca.key is another's",
      files: { "ca.pem": one.cert, "ca.key": other.key },
      says: /ca\.key is not the key of ca\.pem\. Bring back/,
    },
    {
      when: "ca.pem is another's than the key that is kept",
      files: { "ca.pem": other.cert },
      kept: one,
      says: /ca\.pem is not the certificate of the key in the database\. Move ca\.pem/,
    },
    {
      when: "the database is a new one, and ca.pem is of before",
      files: { "ca.pem": one.cert },
      says: /its key is not in the database\. Bring back .* or move both files away/,
    },
    { when: "ca.pem is something else", files: { "ca.pem": "what?" }, says: /not a certificate/ },
    {
      when: "ca.key is something else",
      files: { "ca.pem": one.cert, "ca.key": "what?" },
      kept: one,
      says: /ca\.key is not a private key\. Move/,
    },
    {
      when: "its key is of a kind that is not signed with",
      files: { "ca.pem": await read(p384), "ca.key": await read(p384, "ca.key") },
      says: /P-256/,
      now: Date.now(),
    },
  ];
  for (const { when, files, kept, says, now } of cases) {
    test(when, async () => {
      const directory = await folder(files);
      const store = memoryCaStore(kept);
      await assert.rejects(keepCa(directory, store, now ?? NOW), says);
      assert.deepEqual(await readdir(directory), Object.keys(files).toSorted());
      assert.equal(await store.find(), kept);
    });
  }

  test("ca.pem is a leaf's", async () => {
    const directory = join(await folder(), "ca");
    const ca = await openLocalCa(directory, memoryCaStore(), manualClock(NOW));
    const leaf = await ca.leafFor(["localhost"], "api");
    const wrong = join(await folder(), "ca");
    await mkdir(wrong);
    await writeFile(join(wrong, "ca.pem"), leaf.cert);
    await assert.rejects(openLocalCa(wrong, memoryCaStore(), manualClock(NOW)), /not a CA's/);
  });
});

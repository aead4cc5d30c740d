import assert from "node:assert/strict";
import { randomBytes, X509Certificate } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { LEAF_LIFETIME_DAYS } from "#certificate/local-ca.ts";
import { OwnNames } from "#certificate/own-names.ts";
import {
  keyPurpose,
  type ServingCertificate,
  type ServingCertificateStore,
} from "#certificate/serving.ts";
import { manualClock } from "#clock.ts";
import { sealUnder } from "#seal.ts";
import { openLocalCa } from "#x509/local-ca.ts";
import { memoryCaStore } from "../../support/ca-store.ts";

const DAY = 86_400_000;
const NOW = Date.UTC(2026, 10, 22);
const NAME = "*.nyc3.cdn.spaces.localhost";

const root = await mkdtemp(join(tmpdir(), "atoll-own-names-"));
after(() => rm(root, { recursive: true }));

/** Own names over a store that is a map, a real CA and a clock that is set by hand. */
async function world() {
  const stored = new Map<string, ServingCertificate>();
  const settled: number[] = [];
  const logged: Readonly<Record<string, unknown>>[] = [];
  const note = (fields: Readonly<Record<string, unknown>>) => void logged.push(fields);
  const clock = manualClock(NOW);
  const state = { puts: 0, failing: false };
  const store: ServingCertificateStore = {
    put: async (certificate) => {
      if (state.failing) throw new Error("the disk is full");
      stored.set(certificate.id, certificate);
      state.puts += 1;
      return state.puts;
    },
    delete: async () => undefined,
    ownNames: () => [...stored.values()],
  };
  const parts = {
    store,
    ca: await openLocalCa(await mkdtemp(join(root, "ca-")), memoryCaStore(), clock),
    seal: sealUnder(randomBytes(32)),
    settled: async (number: number) => void settled.push(number),
    log: { info: note, warn: note, error: note },
  };
  const only = (): ServingCertificate => {
    const [certificate, ...others] = stored.values();
    assert(certificate !== undefined && others.length === 0);
    return certificate;
  };
  return { parts, state, stored, settled, logged, clock, only, ownNames: new OwnNames(parts) };
}

describe("the platform's own names", () => {
  test("get a certificate of the local CA when they are first needed, its key sealed", async () => {
    const { ownNames, only, parts } = await world();
    await ownNames.ensure([NAME]);
    const { id, ownName, names, chain, sealedKey, notAfter } = only();
    assert.deepEqual({ ownName, names }, { ownName: NAME, names: [NAME] });
    const certificate = new X509Certificate(chain);
    assert(certificate.verify(new X509Certificate(parts.ca.caPem).publicKey));
    assert.equal(
      certificate.checkHost("images.nyc3.cdn.spaces.localhost"),
      "images.nyc3.cdn.spaces.localhost".replace("images", "*"),
    );
    assert.equal(certificate.validToDate.getTime(), notAfter);
    assert(!Buffer.from(sealedKey).includes("PRIVATE KEY"));
    assert.match(parts.seal.open(sealedKey, keyPurpose(id)), /^-----BEGIN PRIVATE KEY-----/);
    assert.throws(() => parts.seal.open(sealedKey, keyPurpose("another")));
  });

  test("get one each, however many ask at once, and again after a restart", async () => {
    const { ownNames, state, parts } = await world();
    const names = [NAME, "*.ams3.cdn.spaces.localhost"];
    await Promise.all(Array.from({ length: 50 }, () => ownNames.ensure(names)));
    await ownNames.ensure(names);
    assert.equal(state.puts, 2);
    await new OwnNames(parts).ensure(names);
    assert.equal(state.puts, 2);
  });

  test("are tried again by the next who asks when it failed", async () => {
    const { ownNames, state } = await world();
    state.failing = true;
    await assert.rejects(ownNames.ensure([NAME]), /disk is full/);
    state.failing = false;
    await ownNames.ensure([NAME]);
    assert.equal(state.puts, 1);
  });

  test("that are longer than a name can be have none, and fail nobody", async () => {
    const { ownNames, state } = await world();
    await ownNames.ensure([`*.nyc3.cdn.${"a.".repeat(124)}test`]);
    assert.equal(state.puts, 0);
  });

  test("are renewed with a third of the lifetime left, under the same id, on every edge", async () => {
    const { ownNames, clock, only, settled, state, logged } = await world();
    await ownNames.ensure([NAME]);
    const first = only();
    clock.advance(Math.floor((LEAF_LIFETIME_DAYS * 2) / 3) * DAY - DAY);
    await ownNames.renew();
    assert.equal(only(), first);
    clock.advance(2 * DAY);
    await ownNames.renew();
    const renewed = only();
    assert.equal(renewed.id, first.id);
    assert(renewed.notAfter > first.notAfter);
    assert.notEqual(renewed.chain, first.chain);
    assert.deepEqual(settled, [state.puts]);
    assert.deepEqual(logged, [{ names: [NAME], reason: "due" }]);
    await ownNames.renew();
    assert.equal(state.puts, 2);
  });

  test("get another key when theirs cannot be opened", async () => {
    const { ownNames, only, parts, logged } = await world();
    await ownNames.ensure([NAME]);
    const { id } = only();
    const later = new OwnNames({ ...parts, seal: sealUnder(randomBytes(32)) });
    await later.renew();
    assert.equal(only().id, id);
    assert.equal(logged.length, 2);
    assert.throws(() => parts.seal.open(only().sealedKey, keyPurpose(id)));
  });
});

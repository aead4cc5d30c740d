import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { describe, test } from "node:test";
import type { ChallengeAnswer } from "#acme/acme.ts";
import { CHALLENGES_MAX, StoredAnswers } from "#acme/answers.ts";
import { manualClock } from "#clock.ts";
import type { EdgeChallenge } from "#feed/entry.ts";
import { createLogger } from "#log.ts";
import { sealUnder } from "#seal.ts";
import { readSnapshot, toEntries } from "#sqlite/feed-source.ts";
import { edgeView } from "../../src/edge-view.ts";
import { openTemporaryStorage } from "./temporary-storage.ts";

const DAY_MS = 86_400_000;
const NAME = "static.example.com";
const HTTP: ChallengeAnswer = {
  kind: "http-01",
  name: NAME,
  token: "evaGxfADs6pSRb2LAv9IZf17",
  keyAuthorization: "evaGxfADs6pSRb2LAv9IZf17.thumbprint",
};
const ALPN: ChallengeAnswer = { kind: "tls-alpn-01", name: NAME, keyAuthorization: "k3y" };

function dns(value: string, name = NAME): ChallengeAnswer {
  return { kind: "dns-01", name, value };
}

/** Answers on a real storage, and what edges are told of them. */
async function openWorld() {
  await using stack = new AsyncDisposableStack();
  const storage = stack.use(await openTemporaryStorage());
  const seal = sealUnder(randomBytes(32));
  const view = edgeView(seal, undefined);
  const clock = manualClock(DAY_MS);
  /** The numbers that were waited for. */
  const settled: number[] = [];
  const open = () =>
    StoredAnswers.open({
      store: storage.challenges,
      seal,
      settled: async (number) => void settled.push(number),
      alpnCertificate: async (name, keyAuthorization) => ({
        certPem: `certificate of ${name} with ${keyAuthorization}`,
        keyPem: "-----BEGIN PRIVATE KEY-----",
      }),
      clock,
      log: createLogger("silent"),
    });
  const owned = stack.move();
  return {
    storage,
    clock,
    settled,
    open,
    told: () => toEntries(storage.records, view),
    snapshot: async () => {
      const challenges: EdgeChallenge[] = [];
      for await (const part of readSnapshot(storage.database, view)) {
        if (part.kind === "part") challenges.push(...part.challenges);
      }
      return challenges;
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

describe("a challenge's answer", () => {
  test("is told to the edges, and waited for, when it comes and when it goes", async () => {
    await using world = await openWorld();
    const answers = await world.open();
    await answers.put("a", { ...HTTP, name: "STATIC.example.com" });
    await answers.put("b", ALPN);
    const certPem = `certificate of ${NAME} with k3y`;
    const keyPem = "-----BEGIN PRIVATE KEY-----";
    const alpn = { id: "b", kind: "tls-alpn-01", name: NAME, certPem, keyPem } as const;
    assert.deepEqual(await world.snapshot(), [{ id: "a", ...HTTP }, alpn]);
    await answers.delete("a");
    assert.deepEqual(await world.snapshot(), [alpn]);
    assert.deepEqual(
      world.told().map((entry) => ("challenge" in entry ? entry.challenge : entry.kind)),
      [{ id: "a", ...HTTP }, alpn, "challenge-delete"],
    );
    assert.deepEqual(
      world.settled,
      world.told().map(({ number }) => number),
    );
  });

  test("by DNS is for the responder alone: several values at a name, each once", async () => {
    await using world = await openWorld();
    const answers = await world.open();
    await answers.put("a", dns("one"));
    await answers.put("b", dns("two", "Static.Example.COM"));
    await answers.put("c", dns("one"));
    assert.deepEqual(answers.valuesOf(NAME), ["one", "two"]);
    assert.deepEqual(answers.valuesOf("example.com"), []);
    assert.deepEqual([answers.hasBelow("example.com"), answers.hasBelow(NAME)], [true, false]);
    await answers.delete("a");
    assert.deepEqual(answers.valuesOf(NAME), ["two", "one"]);
    assert.deepEqual([world.told(), await world.snapshot(), world.settled], [[], [], []]);
  });

  test("may be put again and taken back twice, as one does who does not know how far it came", async () => {
    await using world = await openWorld();
    const answers = await world.open();
    await answers.put("a", dns("one"));
    await answers.put("a", dns("another"));
    assert.deepEqual(answers.valuesOf(NAME), ["another"]);
    await answers.put("b", HTTP);
    await answers.put("b", HTTP);
    assert.equal((await world.snapshot()).length, 1);
    for (const id of ["a", "b", "a", "b", "never"]) await answers.delete(id);
    assert.deepEqual([answers.valuesOf(NAME), await world.snapshot()], [[], []]);
    assert.equal(world.told().length, 3);
  });

  test("is one of its kind for all its life", async () => {
    await using world = await openWorld();
    const answers = await world.open();
    await answers.put("a", HTTP);
    await assert.rejects(answers.put("a", dns("one")), /another kind/);
    assert.deepEqual(answers.valuesOf(NAME), []);
    assert.equal((await world.snapshot()).length, 1);
  });

  test("is there after a restart, and is forgotten by the first one that is a day later", async () => {
    await using world = await openWorld();
    const before = await world.open();
    await before.put("a", HTTP);
    await before.put("b", dns("one"));
    world.clock.advance(DAY_MS);
    const after = await world.open();
    assert.deepEqual(after.valuesOf(NAME), ["one"]);
    await after.put("c", dns("two"));
    world.clock.advance(1);
    const later = await world.open();
    assert.deepEqual(later.valuesOf(NAME), ["two"]);
    assert.deepEqual(await world.snapshot(), []);
  });

  test("that could not be taken back goes a day later, while the edges run", async () => {
    await using world = await openWorld();
    const answers = await world.open();
    await answers.put("a", HTTP);
    await answers.put("b", dns("one"));
    world.clock.advance(DAY_MS);
    await answers.put("c", ALPN);
    await answers.forgetOld();
    assert.deepEqual(answers.valuesOf(NAME), ["one"], "not yet");
    world.clock.advance(1);
    await answers.forgetOld();
    assert.deepEqual(answers.valuesOf(NAME), []);
    assert.deepEqual(
      (await world.snapshot()).map(({ id }) => id),
      ["c"],
    );
    assert.equal(world.told().at(-1)?.kind, "challenge-delete");
    assert.equal(world.settled.at(-1), world.told().at(-1)?.number, "and it is waited for");
  });

  test("is refused past their limit, unless it takes the place of one", async () => {
    await using world = await openWorld();
    const answers = await world.open();
    const ids = Array.from({ length: CHALLENGES_MAX }, (_, index) => String(index));
    await Promise.all(ids.map((id) => answers.put(id, dns(id))));
    await assert.rejects(answers.put("more", HTTP), /1000 challenges/);
    await answers.put("7", dns("another"));
    await answers.delete("8");
    await answers.put("more", HTTP);
    assert.equal((await world.snapshot()).length, 1);
  });

  test("cannot be read in the database", async () => {
    await using world = await openWorld();
    const answers = await world.open();
    await answers.put("a", HTTP);
    await answers.put("b", ALPN);
    assert(!JSON.stringify(world.storage.records).includes("thumbprint"));
    for (const file of ["", "-wal"]) {
      const bytes = await readFile(world.storage.database + file);
      for (const secret of ["thumbprint", "PRIVATE KEY"]) assert(!bytes.includes(secret), file);
    }
  });
});

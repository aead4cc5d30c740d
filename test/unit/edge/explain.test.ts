import assert from "node:assert/strict";
import { statSync } from "node:fs";
import { describe, test } from "node:test";
import { MemoryBudget } from "#edge/cache/memory-budget.ts";
import { MemoryStore } from "#edge/cache/memory-store.ts";
import type { EdgeEndpoint } from "#feed/entry.ts";
import { aDisk } from "./disk/support.ts";
import { Explained, PROXY } from "./explain-fixture.ts";
import { NOW } from "./settings/support.ts";

const HOUR = 3_600_000;

describe("an explanation of a request that the store may answer", () => {
  test("says that nothing is stored, and what the origin is asked", async () => {
    const explained = new Explained();
    assert.deepEqual((await explained.answer()).found, [
      { step: "stored", lines: ["nothing in memory, and there is no disk tier"] },
      { step: "answer", lines: ["MISS: the origin is asked"] },
      {
        step: "origin",
        lines: [
          "GET /a",
          "whoever asks for the same meanwhile waits for this fetch, and reads along",
        ],
      },
    ]);
    const part = await explained.lines("origin", { fields: ["range", "bytes=1048576-"] });
    assert.equal(part[1], "range: bytes=1048576-2097151");
  });

  test("says who is asked before the origin is, if the key is another worker's", async () => {
    const explained = new Explained();
    const notOwner = { owns: false };
    assert.match((await explained.lines("answer", {}, notOwner)).at(-1) ?? "", /owns this key/);
    assert.match(
      (await explained.lines("origin", {}, notOwner))[0] ?? "",
      /by the owner of the key/,
    );
  });

  test("of a hit says what is there, for how long, why it was kept, and why it is used", async () => {
    const explained = new Explained();
    explained.store("/a", { fields: { etag: '"v1"', "cache-tag": "news,front" } });
    const { found } = await explained.answer({}, { now: NOW + 12_500 });
    assert.deepEqual(found, [
      {
        step: "stored",
        lines: [
          "in memory: 200, 10 octets",
          "received 2026-11-22T12:00:00.000Z, 12 s old by now",
          "fresh for 3600 s, by the endpoint's TTL",
          'validators: ETag "v1"',
          "tags: news, front",
        ],
      },
      { step: "answer", lines: ["HIT: it is fresh for 3588 s more", "200, 10 octets"] },
      { step: "origin", lines: ["is not asked"] },
      {
        step: "storage",
        lines: ["a 200 has the TTL", "it has a validator, so that the origin can confirm it"],
      },
    ]);
  });

  const lifetimes: readonly {
    readonly fields: Readonly<Record<string, string>>;
    readonly says: string;
    readonly of?: EdgeEndpoint;
  }[] = [
    { fields: { "cache-control": "max-age=5" }, says: "5 s, by max-age of Cache-Control" },
    {
      fields: { "cache-control": "max-age=5, s-maxage=7" },
      says: "7 s, by s-maxage of Cache-Control",
    },
    {
      fields: { "cache-control": "max-age=5", "cdn-cache-control": "max-age=9" },
      says: "9 s, by max-age of CDN-Cache-Control",
    },
    { fields: { expires: "Sun, 22 Nov 2026 12:01:00 GMT" }, says: "60 s, by Expires" },
    { fields: {}, says: "3600 s, by the endpoint's TTL" },
    {
      of: PROXY,
      fields: { "last-modified": "Sun, 22 Nov 2026 11:50:00 GMT" },
      says: "60 s, a tenth of the time since Last-Modified",
    },
    { of: PROXY, fields: { etag: '"a"' }, says: "0 s, since nothing says for how long" },
  ];
  for (const { fields, says, of } of lifetimes) {
    test(`says that it is fresh for ${says}`, async () => {
      const explained = new Explained(of);
      explained.store("/a", { fields });
      assert((await explained.lines("stored")).includes(`fresh for ${says}`));
    });
  }

  test("says for how little a failure is kept", async () => {
    const explained = new Explained();
    explained.store("/a", { status: 404 });
    assert(
      (await explained.lines("stored")).includes(
        "fresh for 10 s, by the endpoint's TTL, for 10 s at most: it failed",
      ),
    );
    assert.match(
      (await explained.lines("storage"))[0] ?? "",
      /^a 404 of a Space is kept for a moment/,
    );
  });

  const uses: readonly {
    readonly what: string;
    readonly control: string;
    readonly validator?: boolean;
    readonly at?: number;
    readonly soft?: boolean;
    readonly answer: readonly RegExp[];
    readonly origin: RegExp;
  }[] = [
    {
      what: "stale, and the origin can confirm it",
      control: "max-age=60",
      validator: true,
      at: HOUR,
      answer: [
        /^REVALIDATED if .*; it is no longer fresh$/,
        /^if the origin fails, or is silent for 3 s, what is stored/,
      ],
      origin: /^if-none-match: "v"$/m,
    },
    {
      what: "stale, and has no validator",
      control: "max-age=60",
      at: HOUR,
      answer: [/^MISS: it has no validator/, /stands in$/],
      origin: /^GET \/a\n/,
    },
    {
      what: "never to be used unasked",
      control: "no-cache",
      validator: true,
      answer: [/; it says no-cache$/, /^if the origin fails, its failure is the answer$/],
      origin: /^if-none-match/m,
    },
    {
      what: "stale, and may stand in meanwhile",
      control: "max-age=60, stale-while-revalidate=60",
      validator: true,
      at: 90_000,
      answer: [/^STALE: .* stale-while-revalidate lets it stand in$/, /^200, 10 octets$/],
      origin: /^is asked to confirm it, for those who come later$/,
    },
    {
      what: "softly purged",
      control: "max-age=60",
      validator: true,
      soft: true,
      answer: [/^STALE: it was purged softly/],
      origin: /^is asked to confirm it/,
    },
  ];
  for (const { what, control, validator = false, at = 0, soft = false, answer, origin } of uses) {
    test(`says what becomes of what is ${what}`, async () => {
      const explained = new Explained();
      const etag: Record<string, string> = validator ? { etag: '"v"' } : {};
      explained.store("/a", { fields: { "cache-control": control, ...etag } });
      if (soft) explained.purge(["/a"], true);
      const now = { now: NOW + at };
      const lines = await explained.lines("answer", {}, now);
      for (const [i, says] of answer.entries()) assert.match(lines[i] ?? "", says);
      assert.match((await explained.lines("origin", {}, now)).join("\n"), origin);
    });
  }

  test("says that what was purged is not used, whatever is there", async () => {
    const explained = new Explained();
    explained.store("/a");
    explained.purge(["/a"]);
    assert.equal(
      (await explained.lines("stored")).at(-1),
      "it was purged: nobody is answered with it",
    );
    assert.deepEqual(await explained.lines("answer"), ["MISS: the origin is asked"]);
  });

  const parts = [
    { fields: ["if-none-match", '"v1"'], says: "304: what the client has is what is stored" },
    { fields: ["range", "bytes=2-4,8-"], says: "206, octets 2-9" },
    { fields: ["range", "bytes=2-4", "if-range", '"v0"'], says: "200, 10 octets" },
    { fields: ["range", "bytes=20-"], says: "416: it is shorter than what is asked for" },
  ];
  for (const { fields, says } of parts) {
    test(`says how ${fields.join(": ")} is answered from it`, async () => {
      const explained = new Explained();
      explained.store("/a", { fields: { etag: '"v1"' } });
      assert.equal((await explained.lines("answer", { fields }))[1], says);
    });
  }

  test("says in which coding it is sent, where it may be", async () => {
    const explained = new Explained({ settings: { compression: true } });
    explained.store("/a", { fields: { "content-type": "text/css" }, body: "a".repeat(2_000) });
    const accepting = { fields: ["accept-encoding", "gzip"] };
    assert.equal(
      (await explained.lines("answer", accepting))[2],
      "compressed by gzip, if that makes it smaller",
    );
    assert.match((await explained.lines("answer"))[2] ?? "", /the client takes no coding/);
    explained.store("/b", { fields: { "content-type": "image/jpeg" } });
    const image = await explained.lines("answer", { ...accepting, target: "/b" });
    assert.equal(image[2], "not compressed: type");
  });

  test("finds the variant that the request selects, and says by what", async () => {
    const explained = new Explained(PROXY);
    const fields = { "cache-control": "max-age=60", vary: "Accept-Language" };
    const german = ["accept-language", "de"];
    explained.store("/a", { fields, requestFields: german });
    const stored = await explained.lines("stored", { fields: german });
    assert.match(stored[0] ?? "", /^answers vary by accept-language/);
    assert(stored.includes("selected by accept-language"));
    const other = await explained.lines("answer", { fields: ["accept-language", "en"] });
    assert.deepEqual(other, ["MISS: the origin is asked"]);
  });

  test("of only-if-cached says 504, and that the origin is not asked", async () => {
    const asked = { fields: ["cache-control", "only-if-cached"] };
    const explained = new Explained(PROXY);
    assert.match((await explained.lines("answer", asked)).at(-1) ?? "", /^504/);
    assert.deepEqual(await explained.lines("origin", asked), ["is not asked"]);
  });

  test("of only-if-cached says that the worker which owns the key is asked for what it has", async () => {
    const asked = { fields: ["cache-control", "only-if-cached"] };
    const lines = await new Explained(PROXY).lines("answer", asked, { owns: false });
    assert.match(lines.join(), /^what the worker that owns this key has stored, .+ else 504/);
  });
});

describe("an explanation", () => {
  test("finds what only the disk has, variants too, and leaves no trace", async () => {
    await using disk = await aDisk();
    const explained = new Explained(PROXY, disk);
    const fields = { "cache-control": "max-age=60", vary: "Accept-Language" };
    const requestFields = ["accept-language", "de"];
    explained.store("/a", { fields, requestFields });
    await explained.disk?.close();
    const entries = statSync(disk.root).mtimeMs;
    const fresh = new MemoryStore(new MemoryBudget(1_000_000));
    const tiers = explained.another(fresh);
    const before = JSON.stringify([tiers.stats(), fresh.stats()]);
    const asked = { fields: requestFields };
    const stored = await explained.lines("stored", asked, { tiers });
    assert.match(stored[1] ?? "", /^on disk: 200, 10 octets$/);
    assert.match((await explained.lines("answer", asked, { tiers }))[0] ?? "", /^HIT/);
    assert.equal(JSON.stringify([tiers.stats(), fresh.stats()]), before);
    assert.equal(statSync(disk.root).mtimeMs, entries);
  });

  test("notes nothing of what it decides: neither a purge, nor a use", async () => {
    const explained = new Explained();
    explained.store("/a");
    const [stored] = explained.memory.entries();
    assert(stored !== undefined);
    const checkedAt = stored.purgesCheckedAt;
    explained.purge(["/a"], true);
    await explained.answer();
    assert.deepEqual([stored.purgesCheckedAt, stored.softPurged], [checkedAt, false]);
    assert.equal(explained.memory.size, 1);
  });
});

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  edgeSettings,
  type KeptSettings,
  mergeSettings,
  type SettingsChanges,
} from "#cdn/settings.ts";

const YEAR = 31_536_000;
const hsts = { maxAgeSeconds: 2 * YEAR, includeSubdomains: true, preload: true };
const full: KeptSettings = {
  httpsRedirect: true,
  hsts,
  errorPage: "404.html",
  compression: true,
  query: { kind: "only", names: ["w", "h"] },
  signedUrls: { enabled: true, secretCount: 2 },
};

describe("a change of settings", () => {
  test("that names nothing changes nothing", () => {
    for (const settings of [{}, full]) {
      assert.deepEqual(mergeSettings(settings, {}), { kind: "merged", settings });
    }
  });

  test("to null turns each off, and what is off is absent", () => {
    const off = {
      httpsRedirect: null,
      hsts: null,
      errorPage: null,
      compression: null,
      query: null,
      signedUrls: null,
    };
    assert.deepEqual(mergeSettings(full, off), { kind: "merged", settings: {} });
    const no = { httpsRedirect: false, compression: false, query: { mode: "all" } } as const;
    const { httpsRedirect: _, compression: __, query: ___, ...rest } = full;
    assert.deepEqual(mergeSettings(full, no), { kind: "merged", settings: rest });
  });

  const merges: readonly {
    readonly what: string;
    readonly before: KeptSettings;
    readonly changes: SettingsChanges;
    readonly after: KeptSettings;
  }[] = [
    {
      what: "part of hsts leaves its other parts",
      before: { hsts },
      changes: { hsts: { preload: false, maxAgeSeconds: 60 } },
      after: { hsts: { maxAgeSeconds: 60, includeSubdomains: true, preload: false } },
    },
    {
      what: "a first max_age is for this name alone",
      before: {},
      changes: { hsts: { maxAgeSeconds: 0 } },
      after: { hsts: { maxAgeSeconds: 0, includeSubdomains: false, preload: false } },
    },
    {
      what: "names replace those before, each once",
      before: { query: { kind: "only", names: ["w"] } },
      changes: { query: { names: ["v", "v", "u"] } },
      after: { query: { kind: "only", names: ["v", "u"] } },
    },
    {
      what: "another mode forgets the names",
      before: { query: { kind: "only", names: ["w"] } },
      changes: { query: { mode: "none", names: [] } },
      after: { query: { kind: "none" } },
    },
    {
      what: "secrets alone do not enable signed URLs",
      before: {},
      changes: { signedUrls: { secretCount: 1 } },
      after: { signedUrls: { enabled: false, secretCount: 1 } },
    },
    {
      what: "signed URLs that are off keep their secrets",
      before: { signedUrls: { enabled: true, secretCount: 2 } },
      changes: { signedUrls: { enabled: false } },
      after: { signedUrls: { enabled: false, secretCount: 2 } },
    },
    {
      what: "signed URLs without a secret that are off are nothing",
      before: {},
      changes: { signedUrls: { enabled: false } },
      after: {},
    },
  ];
  for (const { what, before, changes, after } of merges) {
    test(`merges: ${what}`, () => {
      assert.deepEqual(mergeSettings(before, changes), { kind: "merged", settings: after });
    });
  }

  const refusals: readonly {
    readonly before?: KeptSettings;
    readonly changes: SettingsChanges;
    readonly member: RegExp;
  }[] = [
    { changes: { hsts: { preload: false } }, member: /^hsts\.max_age: / },
    { changes: { hsts: { maxAgeSeconds: YEAR, preload: true } }, member: /^hsts\.preload: / },
    { before: { hsts }, changes: { hsts: { maxAgeSeconds: 60 } }, member: /^hsts\.preload: / },
    { changes: { query: { mode: "only" } }, member: /^query\.names: / },
    { changes: { query: { mode: "none", names: ["w"] } }, member: /^query\.names: / },
    { changes: { query: { names: ["w"] } }, member: /^query\.names: / },
    { changes: { signedUrls: { enabled: true } }, member: /^signed_urls\.secrets: / },
  ];
  for (const { before = {}, changes, member } of refusals) {
    test(`is refused by its member's name: ${JSON.stringify(changes)}`, () => {
      const merged = mergeSettings(before, changes);
      assert.equal(merged.kind, "invalid");
      assert.match(merged.kind === "invalid" ? merged.reason : "", member);
    });
  }
});

describe("an edge's settings", () => {
  test("have the secrets of signed URLs that are enabled", () => {
    const { signedUrls: _, ...rest } = full;
    assert.deepEqual(
      edgeSettings(full, () => ["s1", "s2"]),
      { ...rest, signedUrls: { secrets: ["s1", "s2"] } },
    );
  });

  test("open no secret for signed URLs that are off", () => {
    const settings = { compression: true, signedUrls: { enabled: false, secretCount: 1 } };
    const secrets = () => assert.fail("nobody uses them");
    assert.deepEqual(edgeSettings(settings, secrets), { compression: true });
  });
});

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { AdmissionFacts } from "#oci/admission.ts";
import { admit } from "#registry/admit.ts";
import {
  MANIFESTS_PER_REPOSITORY_MAX,
  REPOSITORIES_PER_REGISTRY_MAX,
  TAGS_PER_REPOSITORY_MAX,
} from "#registry/limits.ts";
import { decideAnother, ineligibleReasons, TIERS } from "#registry/tier.ts";

const GIB = 1_024 ** 3;

describe("a change to a tier", () => {
  const nothing = { registries: 0, repositories: 0, storageBytes: 0 };

  test("is open to who has no more than it includes", () => {
    const full = { registries: 1, repositories: 1, storageBytes: 524_288_000 };
    assert.deepEqual(ineligibleReasons(TIERS.starter, full), []);
    const basic = { registries: 1, repositories: 5, storageBytes: 900 * GIB };
    assert.deepEqual(ineligibleReasons(TIERS.basic, basic), []);
    const many = { registries: 10, repositories: 10_000, storageBytes: 900 * GIB };
    assert.deepEqual(ineligibleReasons(TIERS.professional, many), []);
  });

  test("says each thing that is too much", () => {
    const too = { registries: 2, repositories: 6, storageBytes: GIB };
    assert.deepEqual(ineligibleReasons(TIERS.starter, too), [
      "OverRegistryLimit",
      "OverRepositoryLimit",
      "OverStorageLimit",
    ]);
    assert.deepEqual(ineligibleReasons(TIERS.basic, too), [
      "OverRegistryLimit",
      "OverRepositoryLimit",
    ]);
  });

  test("with one registry more is refused where there is no room for it", () => {
    assert.deepEqual(decideAnother(TIERS.starter, nothing), { kind: "allowed" });
    const one = { ...nothing, registries: 1 };
    assert.deepEqual(decideAnother(TIERS.basic, one), { kind: "full", tier: TIERS.basic });
    assert.deepEqual(decideAnother(TIERS.professional, one), { kind: "allowed" });
    const left = { ...nothing, repositories: 6 };
    const refused = decideAnother(TIERS.basic, left);
    assert.deepEqual(refused, { kind: "ineligible", reasons: ["OverRepositoryLimit"] });
  });
});

describe("a push", () => {
  const facts = (change: Partial<AdmissionFacts> = {}): AdmissionFacts => ({
    tier: "starter",
    settings: undefined,
    repositories: 0,
    isNewRepository: false,
    storageBytes: 0,
    tags: 0,
    manifests: 0,
    addedBytes: 0,
    addedTags: 0,
    addedManifests: 0,
    changedTags: [],
    ...change,
  });
  const refusal = (change: Partial<AdmissionFacts>): string => {
    const decision = admit(facts(change));
    return decision.kind === "refused" ? `${decision.reason}: ${decision.message}` : "admitted";
  };

  test("into a repository beyond the limit is refused in DigitalOcean's words", () => {
    const beyond = { repositories: 1, isNewRepository: true };
    assert.match(
      refusal(beyond),
      /^repository-limit: registry contains 1 repositories, limit is 1; .*above starter$/,
    );
    assert.equal(refusal({ ...beyond, tier: "basic" }), "admitted");
    assert.match(refusal({ ...beyond, repositories: 5, tier: "basic" }), /limit is 5/);
    assert.equal(refusal({ ...beyond, repositories: 900, tier: "professional" }), "admitted");
    assert.equal(refusal({ repositories: 1 }), "admitted");
    assert.match(refusal({ ...beyond, tier: undefined }), /limit is 1/, "starter, by default");
  });

  test("has a limit of repositories, tags and manifests where its tier has none", () => {
    const tier = "professional";
    const repositories = REPOSITORIES_PER_REGISTRY_MAX;
    assert.equal(
      refusal({ tier, repositories, isNewRepository: true }),
      `repository-limit: registry contains ${repositories} repositories, limit is ` +
        `${repositories}; push into one that is there, or delete one`,
    );
    const before = { tier, repositories: repositories - 1, isNewRepository: true } as const;
    assert.equal(refusal(before), "admitted");
    const tags = TAGS_PER_REPOSITORY_MAX;
    assert.match(
      refusal({ tier, tags: tags - 1, addedTags: 2 }),
      /^tag-limit: repository contains 199999 tags, limit is 200000, and this push adds 2; /,
    );
    assert.equal(refusal({ tier, tags: tags - 1, addedTags: 1 }), "admitted");
    assert.equal(refusal({ tier, tags: tags + 1 }), "admitted", "a tag that moves");
    const manifests = MANIFESTS_PER_REPOSITORY_MAX;
    assert.match(
      refusal({ tier, manifests, addedManifests: 1 }),
      /^manifest-limit: repository contains 1000000 manifests, limit is 1000000; /,
    );
    assert.equal(refusal({ tier, manifests: manifests - 1, addedManifests: 1 }), "admitted");
    assert.equal(refusal({ tier, manifests: manifests + 1 }), "admitted", "one that is there");
  });

  test("over the storage is refused where there is no overage, unless it adds nothing", () => {
    const full = { storageBytes: 524_288_000 };
    assert.match(
      refusal({ ...full, addedBytes: 1 }),
      /^storage-limit: registry contains 524288000 bytes, limit is 524288000, /,
    );
    assert.equal(refusal({ storageBytes: 524_287_999, addedBytes: 1 }), "admitted");
    assert.equal(refusal({ ...full, addedBytes: 0 }), "admitted");
    assert.equal(refusal({ tier: "basic", storageBytes: 9 * GIB, addedBytes: GIB }), "admitted");
  });

  test("that would move an immutable tag is refused, and names it", () => {
    const settings = JSON.stringify({ immutableTags: ["v*"] });
    assert.match(
      refusal({ settings, changedTags: ["latest", "v1"] }),
      /^immutable-tag: tag v1 is immutable/,
    );
    assert.equal(refusal({ settings, changedTags: ["latest"] }), "admitted");
    assert.equal(refusal({ changedTags: ["v1"] }), "admitted");
  });
});

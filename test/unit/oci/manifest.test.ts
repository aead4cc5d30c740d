import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { MANIFEST_REFERENCES_MAX } from "#oci/limits.ts";
import { parseManifest } from "#oci/manifest.ts";

const IMAGE = "application/vnd.oci.image.manifest.v1+json";
const INDEX = "application/vnd.oci.image.index.v1+json";
const DOCKER = "application/vnd.docker.distribution.manifest.v2+json";
const DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json";

function digest(letter: string): string {
  return `sha256:${letter.repeat(64)}`;
}

function descriptor(letter: string, more: Record<string, unknown> = {}) {
  return { mediaType: "application/x", digest: digest(letter), size: 3, ...more };
}

function parse(value: unknown, contentType?: string) {
  return parseManifest(Buffer.from(JSON.stringify(value)), contentType);
}

function taken(value: unknown, contentType?: string) {
  const parsed = parse(value, contentType);
  assert(parsed.kind === "manifest", JSON.stringify(parsed));
  return parsed.manifest;
}

const image = { schemaVersion: 2, config: descriptor("c"), layers: [descriptor("1")] };

describe("a manifest", () => {
  test("needs its config, its layers and its manifests, each once", () => {
    const layers = [descriptor("1"), descriptor("1"), descriptor("2")];
    assert.deepEqual(taken({ ...image, layers }, IMAGE).references, [
      { kind: "blob", digest: digest("c"), sizeBytes: 3 },
      { kind: "blob", digest: digest("1"), sizeBytes: 3 },
      { kind: "blob", digest: digest("2"), sizeBytes: 3 },
    ]);
    const index = { schemaVersion: 2, manifests: [descriptor("a")] };
    for (const type of [INDEX, DOCKER_LIST]) {
      assert.deepEqual(taken(index, type).references, [
        { kind: "manifest", digest: digest("a"), sizeBytes: 3 },
      ]);
    }
  });

  test("needs no layer that is had elsewhere", () => {
    const layers = [
      descriptor("1", { urls: ["https://example.net/"] }),
      descriptor("2", { mediaType: "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip" }),
    ];
    assert.equal(taken({ ...image, layers }, DOCKER).references.length, 1);
  });

  test("is of the type that Content-Type says, without its parameters, or else its mediaType", () => {
    assert.equal(taken(image, `${IMAGE}; charset=utf-8`).mediaType, IMAGE);
    assert.equal(taken({ ...image, mediaType: DOCKER }).mediaType, DOCKER);
    assert.equal(parse(image).kind, "invalid");
    assert.equal(parse({ ...image, mediaType: DOCKER }, IMAGE).kind, "invalid");
  });

  test("of a type that nobody has heard of is taken, with what it refers to", () => {
    const odd = { blobs: [descriptor("1")], subject: descriptor("5"), anything: [1] };
    const manifest = taken(odd, "application/vnd.example+json");
    assert.equal(manifest.references.length, 1);
    assert.equal(manifest.subject, digest("5"));
  });

  test("may have null where a Go program had nothing", () => {
    const nothing = { layers: null, manifests: null, annotations: null, subject: null };
    assert.equal(taken({ ...image, ...nothing }, IMAGE).references.length, 1);
  });

  test("has its own artifactType, or its config's media type", () => {
    assert.equal(taken(image, IMAGE).artifactType, "application/x");
    assert.equal(taken({ ...image, artifactType: "a/b" }, IMAGE).artifactType, "a/b");
    assert.equal(taken({ ...image, artifactType: "" }, IMAGE).artifactType, "application/x");
    assert.equal(taken({ schemaVersion: 2, manifests: [] }, INDEX).artifactType, undefined);
  });

  const refused = {
    "of a media type that no field can carry": { ...image, mediaType: "a/b\nc: d" },
    "an image and an index at once": { ...image, manifests: [descriptor("a")] },
    "of schema 1": { schemaVersion: 1, fsLayers: [] },
    "of no schema version": { config: descriptor("c") },
    "without a config": { schemaVersion: 2, layers: [] },
    "with a descriptor that has no size": { ...image, layers: [{ digest: digest("1") }] },
    "with a size below nothing": { ...image, layers: [descriptor("1", { size: -1 })] },
    "with annotations that are no text": { ...image, annotations: { a: 1 } },
    "with more references than any image has": {
      ...image,
      layers: Array.from({ length: MANIFEST_REFERENCES_MAX + 1 }, (_, index) => ({
        digest: `sha256:${index.toString(16).padStart(64, "0")}`,
        size: 1,
      })),
    },
  };
  for (const [what, value] of Object.entries(refused)) {
    test(`${what} is refused, with why`, () => {
      const parsed = parse(value, "mediaType" in value ? undefined : IMAGE);
      assert(parsed.kind === "invalid" && parsed.why.length > 10);
    });
  }

  test("that is an index with layers is refused", () => {
    const both = { schemaVersion: 2, manifests: [], layers: [descriptor("1")] };
    assert.equal(parse(both, INDEX).kind, "invalid");
  });
});

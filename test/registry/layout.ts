import { createHash, randomBytes } from "node:crypto";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { pack } from "tar-stream";
import { type Digest, digestOfBytes } from "#oci/digest.ts";
import { OCI_INDEX } from "#oci/manifest.ts";
import { OCI_IMAGE } from "../support/images.ts";

/** More than one read or write anywhere, and nothing that a compressor makes smaller. */
const LAYER_BYTES = 3_000_001;
const PLATFORMS = ["amd64", "arm64"] as const;

interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly size: number;
}

/** A manifest, and what belongs to it. */
export interface Content extends Descriptor {
  readonly octets: Buffer;
  /** Its config's and layers', or those of its platforms. */
  readonly blobs: readonly Descriptor[];
}

/**
 * Two images of one name as folders in the OCI's image layout, each with two layers, one of which
 * they share. `images` has them tagged; of the others crane pushes what their index.json has, whole.
 */
export interface Layout {
  readonly images: string;
  readonly onlyOne: string;
  readonly onlyMany: string;
  /** Of amd64, tagged `one`. */
  readonly one: Content;
  /** Of every platform, tagged `many`. */
  readonly many: Content;
  /** By digest, manifests as well. */
  readonly octets: ReadonlyMap<Digest, Buffer>;
}

export async function writeLayout(folder: string): Promise<Layout> {
  const octets = new Map<Digest, Buffer>();
  const keep = (mediaType: string, content: Buffer): Descriptor => {
    const digest = digestOfBytes("sha256", content);
    octets.set(digest, content);
    return { mediaType, digest, size: content.length };
  };
  const shared = await tarOf("shared", randomBytes(LAYER_BYTES));
  const images: Content[] = [];
  for (const architecture of PLATFORMS) {
    const tars = [shared, await tarOf("own", Buffer.from(architecture))];
    const layers = tars.map((tar) => keep(LAYER, gzipSync(tar)));
    const config = keep(CONFIG, json(configOf(architecture, tars)));
    const manifest = json({ schemaVersion: 2, mediaType: OCI_IMAGE, config, layers });
    const blobs = [config, ...layers];
    images.push({ ...keep(OCI_IMAGE, manifest), octets: manifest, blobs });
  }
  const [one] = images;
  if (one === undefined) throw new Error("There is no platform");
  const manifests = images.map(({ mediaType, digest, size }, index) => {
    const platform = { os: "linux", architecture: PLATFORMS[index] };
    return { mediaType, digest, size, platform };
  });
  const index = json({ schemaVersion: 2, mediaType: OCI_INDEX, manifests });
  const blobs = new Map(images.flatMap((image) => image.blobs).map((blob) => [blob.digest, blob]));
  const many = { ...keep(OCI_INDEX, index), octets: index, blobs: [...blobs.values()] };
  const tagged = [named(one, "one"), named(many, "many")];
  const indexes = {
    images: json({ schemaVersion: 2, manifests: tagged }),
    onlyOne: json({ schemaVersion: 2, manifests: [named(one, "one")] }),
    onlyMany: index,
  };
  for (const [name, content] of Object.entries(indexes)) {
    await writeFolder(join(folder, name), octets, content);
  }
  const at = (name: keyof typeof indexes) => join(folder, name);
  return {
    images: at("images"),
    onlyOne: at("onlyOne"),
    onlyMany: at("onlyMany"),
    one,
    many,
    octets,
  };
}

/** What a folder in the image layout has, whoever has written it. */
export async function readBlobs(folder: string): Promise<ReadonlyMap<string, Buffer>> {
  const blobs = join(folder, "blobs/sha256");
  const names = await readdir(blobs);
  const read = names.map(async (name) => {
    return [`sha256:${name}`, await readFile(join(blobs, name))] as const;
  });
  return new Map(await Promise.all(read));
}

const CONFIG = "application/vnd.oci.image.config.v1+json";
const LAYER = "application/vnd.oci.image.layer.v1.tar+gzip";

function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}

function configOf(architecture: string, tars: readonly Buffer[]): object {
  const diffIds = tars.map((tar) => `sha256:${createHash("sha256").update(tar).digest("hex")}`);
  return { os: "linux", architecture, config: {}, rootfs: { type: "layers", diff_ids: diffIds } };
}

function named({ mediaType, digest, size }: Descriptor, tag: string): object {
  return { mediaType, digest, size, annotations: { "org.opencontainers.image.ref.name": tag } };
}

async function tarOf(name: string, content: Buffer): Promise<Buffer> {
  const tar = pack();
  tar.entry({ name, mtime: new Date(0) }, content);
  tar.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of tar) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

async function writeFolder(
  folder: string,
  octets: ReadonlyMap<Digest, Buffer>,
  index: Buffer,
): Promise<void> {
  const blobs = join(folder, "blobs/sha256");
  await mkdir(blobs, { recursive: true });
  for (const [digest, content] of octets) {
    await writeFile(join(blobs, digest.slice("sha256:".length)), content);
  }
  await writeFile(join(folder, "oci-layout"), json({ imageLayoutVersion: "1.0.0" }));
  await writeFile(join(folder, "index.json"), index);
}

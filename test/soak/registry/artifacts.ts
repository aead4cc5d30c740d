import { createHash } from "node:crypto";
import { digestOfBytes } from "#oci/digest.ts";
import { OCI_INDEX } from "#oci/manifest.ts";
import { OCI_IMAGE } from "../../support/images.ts";
import type { Random } from "../random.ts";

/** Layers that every client has some of, as base images are. */
const SHARED_LAYERS = 24;
const LAYER_BYTES_MIN = 200;
/** Above what is gathered before a write to the disk. */
const LAYER_BYTES_MAX = 400_000;
const CONFIG = "application/vnd.oci.image.config.v1+json";
const LAYER = "application/vnd.oci.image.layer.v1.tar";

export interface Blob {
  readonly digest: string;
  readonly octets: Buffer;
}

/** A manifest and all that has to be there for it. */
export interface Artifact extends Blob {
  readonly mediaType: string;
  readonly blobs: readonly Blob[];
  /** Of an index. */
  readonly children: readonly Artifact[];
  /** The digest of what it refers to. */
  readonly subject: string | undefined;
}

/** Makes what is pushed, never the same manifest twice. */
export class Maker {
  readonly #random: Random;
  readonly #name: string;
  #made = 0;

  constructor(random: Random, name: string) {
    this.#random = random;
    this.#name = name;
  }

  image(subject?: Artifact): Artifact {
    const count = this.#random.between(1, 3);
    const layers = Array.from({ length: count }, () => this.#layer());
    const config = blobOf(Buffer.from(JSON.stringify({ made: this.#next() })));
    const manifest = {
      schemaVersion: 2,
      mediaType: OCI_IMAGE,
      config: { mediaType: CONFIG, ...described(config) },
      layers: layers.map((layer) => ({ mediaType: LAYER, ...described(layer) })),
      ...(subject === undefined
        ? {}
        : { subject: { mediaType: subject.mediaType, ...described(subject) } }),
    };
    const once = new Map([config, ...layers].map((blob) => [blob.digest, blob]));
    return {
      ...blobOf(Buffer.from(JSON.stringify(manifest))),
      mediaType: OCI_IMAGE,
      blobs: [...once.values()],
      children: [],
      subject: subject?.digest,
    };
  }

  index(): Artifact {
    const children = [this.image(), this.image()];
    const manifests = children.map((child) => ({ mediaType: OCI_IMAGE, ...described(child) }));
    const index = { schemaVersion: 2, mediaType: OCI_INDEX, manifests };
    return {
      ...blobOf(Buffer.from(JSON.stringify(index))),
      mediaType: OCI_INDEX,
      blobs: [],
      children,
      subject: undefined,
    };
  }

  #layer(): Blob {
    const isShared = this.#random.below(2) === 0;
    const name = isShared ? `shared ${this.#random.below(SHARED_LAYERS)}` : this.#next();
    return blobOf(octetsNamed(name));
  }

  #next(): string {
    this.#made += 1;
    return `${this.#name} ${this.#made}`;
  }
}

function described({ digest, octets }: Blob): { digest: string; size: number } {
  return { digest, size: octets.length };
}

function blobOf(octets: Buffer): Blob {
  return { digest: digestOfBytes("sha256", octets), octets };
}

/** As many octets as follow from a name, and no two names alike. */
function octetsNamed(name: string): Buffer {
  const seed = createHash("sha256").update(name).digest();
  const length = LAYER_BYTES_MIN + (seed.readUInt32LE() % (LAYER_BYTES_MAX - LAYER_BYTES_MIN));
  const octets = Buffer.alloc(length, seed);
  octets.write(name);
  return octets;
}

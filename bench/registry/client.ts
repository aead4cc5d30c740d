import { createHash, randomBytes } from "node:crypto";
import { Pool } from "undici";
import type { Server } from "./server.ts";

const OCTETS = { "content-type": "application/octet-stream" };
const MANIFEST = "application/vnd.docker.distribution.manifest.v2+json";
const CONFIG = "application/vnd.docker.container.image.v1+json";
const LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip";

export interface Blob {
  readonly digest: string;
  readonly size: number;
}

type Method = "GET" | "HEAD" | "POST" | "PATCH" | "PUT";

interface Asked {
  readonly body?: Uint8Array;
  readonly fields?: Readonly<Record<string, string>>;
  readonly expected: number;
}

/** Octets that are in no registry yet. */
export function newOctets(bytes: number): Buffer {
  const octets = Buffer.allocUnsafe(bytes);
  // Nobody compresses them: one random MiB after the other would only take the load's time.
  const some = randomBytes(Math.min(bytes, 1_048_576));
  for (let at = 0; at < bytes; at += some.length) some.copy(octets, at);
  return octets;
}

export function digestOf(octets: Uint8Array): string {
  return `sha256:${createHash("sha256").update(octets).digest("hex")}`;
}

/** What both servers are asked, over a few connections that stay. */
export class Client implements AsyncDisposable {
  readonly server: Server;
  readonly #pool: Pool;

  constructor(server: Server, connections: number) {
    this.server = server;
    this.#pool = new Pool(server.url, {
      connections,
      pipelining: 1,
      headersTimeout: 0,
      bodyTimeout: 0,
    });
  }

  /** @returns its location, where it has one. @throws Error when the answer is another one */
  async ask(method: Method, path: string, asked: Asked): Promise<string> {
    const { headers, statusCode, body } = await this.#pool.request({
      method,
      path,
      // undici would leave the connection after each HEAD.
      reset: false,
      headers: { ...this.server.fields, ...asked.fields },
      ...(asked.body === undefined ? {} : { body: asked.body }),
    });
    if (statusCode !== asked.expected) {
      throw new Error(`${this.server.name}: ${method} ${path}: ${statusCode} ${await body.text()}`);
    }
    // It has no limit here: a body that is not read to its end would be a connection lost.
    for await (const _chunk of body);
    return String(headers["location"] ?? "");
  }

  path(rest: string): string {
    return `/v2/${this.server.repository}/${rest}`;
  }

  /** In one piece, or in chunks of that many bytes. */
  async pushBlob(octets: Buffer, digest: string, chunkBytes = 0): Promise<void> {
    const begun = await this.ask("POST", this.path("blobs/uploads/"), { expected: 202 });
    let location = relative(begun);
    if (chunkBytes > 0) {
      for (let at = 0; at < octets.length; at += chunkBytes) {
        const body = octets.subarray(at, at + chunkBytes);
        const fields = { ...OCTETS, "content-range": `${at}-${at + body.length - 1}` };
        location = relative(await this.ask("PATCH", location, { body, fields, expected: 202 }));
      }
    }
    const end = `${location}${location.includes("?") ? "&" : "?"}digest=${digest}`;
    const body = chunkBytes > 0 ? {} : { body: octets, fields: OCTETS };
    await this.ask("PUT", end, { ...body, expected: 201 });
  }

  async newBlob(bytes: number): Promise<Blob> {
    const octets = newOctets(bytes);
    const digest = digestOf(octets);
    await this.pushBlob(octets, digest);
    return { digest, size: bytes };
  }

  /** @returns its digest */
  async pushManifest(reference: string, manifest: Buffer): Promise<string> {
    const fields = { "content-type": MANIFEST };
    await this.ask("PUT", this.path(`manifests/${reference}`), {
      body: manifest,
      fields,
      expected: 201,
    });
    return digestOf(manifest);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pool.close();
  }
}

/** In docker's own format, which every registry takes. `mark` makes it one that no other is. */
export function manifestOf(config: Blob, layers: readonly Blob[], mark: string): Buffer {
  return Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: MANIFEST,
      config: { mediaType: CONFIG, ...config },
      layers: layers.map((layer) => ({ mediaType: LAYER, ...layer })),
      annotations: { mark },
    }),
  );
}

function relative(location: string): string {
  const { pathname, search } = new URL(location, "http://registry.invalid");
  return pathname + search;
}

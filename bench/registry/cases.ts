import { type Blob, type Client, digestOf, manifestOf, newOctets } from "./client.ts";

const MIB = 1_048_576;
const LAYERS = 5;
const CHUNK_BYTES = 10 * MIB;

/** Something that is asked of both, again and again. */
export interface Case {
  readonly name: string;
  /** × docker-registry, per server CPU-second. */
  readonly aim: number;
  readonly connections: number;
  /** Once of this is a round: what takes long has no use for seconds. */
  readonly times?: number;
  /** Prepares a server; what it returns is done again and again. */
  prepare(client: Client): Promise<() => Promise<void>>;
}

const CONNECTIONS = 16;

export const CASES: readonly Case[] = [
  ...(["GET", "HEAD"] as const).flatMap((method) =>
    (["tag", "digest"] as const).map((by) => manifestCase(method, by)),
  ),
  blobCase("4 KiB", 4_096, { aim: 1.5, connections: CONNECTIONS }),
  blobCase("1 MiB", MIB, { aim: 1.5, connections: 4 }),
  blobCase("100 MiB", 100 * MIB, { aim: 0.8, connections: 1, times: 5 }),
  pushCase("in one piece", 0),
  pushCase("in chunks of 10 MiB", CHUNK_BYTES),
  {
    name: `push of an image whose ${LAYERS} layers are there`,
    aim: 2,
    connections: 4,
    prepare: async (client) => {
      const { config, layers } = await pushLayers(client);
      let pushed = 0;
      return async () => {
        pushed += 1;
        for (const { digest } of [...layers, config]) {
          await client.ask("HEAD", client.path(`blobs/${digest}`), { expected: 200 });
        }
        const mark = String(pushed);
        await client.pushManifest(`tag-${pushed % 100}`, manifestOf(config, layers, mark));
      };
    },
  },
];

function manifestCase(method: "GET" | "HEAD", by: "tag" | "digest"): Case {
  return {
    name: `manifest ${method} by ${by}`,
    aim: 3,
    connections: CONNECTIONS,
    prepare: async (client) => {
      const { config, layers } = await pushLayers(client);
      const digest = await client.pushManifest("read", manifestOf(config, layers, "read"));
      const path = client.path(`manifests/${by === "tag" ? "read" : digest}`);
      const fields = { accept: "application/vnd.docker.distribution.manifest.v2+json" };
      return async () => {
        await client.ask(method, path, { fields, expected: 200 });
      };
    },
  };
}

function blobCase(
  size: string,
  bytes: number,
  rest: Pick<Case, "aim" | "connections" | "times">,
): Case {
  return {
    name: `blob GET ${size}`,
    ...rest,
    prepare: async (client) => {
      const { digest } = await client.newBlob(bytes);
      return async () => {
        await client.ask("GET", client.path(`blobs/${digest}`), { expected: 200 });
      };
    },
  };
}

function pushCase(how: string, chunkBytes: number): Case {
  return {
    name: `push of 100 MiB ${how}`,
    aim: 1,
    connections: 1,
    times: 2,
    prepare: async (client) => {
      const octets = newOctets(100 * MIB);
      let pushed = 0;
      return async () => {
        pushed += 1;
        octets.writeDoubleLE(performance.now() + pushed);
        await client.pushBlob(octets, digestOf(octets), chunkBytes);
      };
    },
  };
}

async function pushLayers(client: Client): Promise<{ config: Blob; layers: readonly Blob[] }> {
  const layers: Blob[] = [];
  for (let count = 0; count < LAYERS; count += 1) layers.push(await client.newBlob(4_096));
  return { config: await client.newBlob(1_024), layers };
}

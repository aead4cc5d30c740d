import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { execPath } from "node:process";
import { setTimeout as delay } from "node:timers/promises";
import { request } from "undici";
import { ENVIRONMENT, SERVER_CORE, versionOf } from "../edge/program.ts";

const PROGRAM = new URL("../../src/cli/atoll.ts", import.meta.url).pathname;
const TOKEN = "bench-token";
const START_DEADLINE_MS = 20_000;

/** A registry that runs, on one core. */
export interface Server extends AsyncDisposable {
  readonly name: string;
  readonly pid: number;
  readonly url: string;
  /** An image's name without the tag: `bench/image` in both. */
  readonly repository: string;
  /** Signed in, where one has to be. */
  readonly fields: Readonly<Record<string, string>>;
}

/** The peer, as Debian configures it, but for the sign-in: it asks nobody who he is. */
export async function startDockerRegistry(folder: string): Promise<Server | undefined> {
  const version = await versionOf("docker-registry", ["--version"], /(\d\S*)$/m);
  if (version === undefined) return undefined;
  const port = await freePort();
  const own = join(folder, "docker-registry");
  await mkdir(own);
  const config = join(own, "config.yml");
  await writeFile(config, configuration(own, port));
  const url = `http://127.0.0.1:${port}`;
  const started = await start("docker-registry", ["serve", config], {}, async () => {
    const { statusCode, body } = await request(`${url}/v2/`);
    await body.dump();
    return statusCode === 200;
  });
  return {
    name: `docker-registry ${version}`,
    pid: started.pid,
    url,
    repository: "bench/image",
    fields: {},
    [Symbol.asyncDispose]: async () => {
      await started[Symbol.asyncDispose]();
      await rm(own, { recursive: true });
    },
  };
}

/** All of Atoll, one edge worker beside it; clients are signed in as docker is, by a session. */
export async function startAtoll(folder: string): Promise<Server> {
  const dataDir = join(folder, "atoll");
  const ports = ["API", "API_TLS", "EDGE", "EDGE_TLS", "REGISTRY", "REGISTRY_TLS", "SPACES", "DNS"];
  const env = {
    ATOLL_DATA_DIR: dataDir,
    ATOLL_TOKEN: TOKEN,
    ATOLL_RATE_LIMITS: "off",
    ATOLL_EDGE_WORKERS: "1",
    ...Object.fromEntries(ports.map((name) => [`ATOLL_${name}_PORT`, "0"])),
  };
  const file = join(dataDir, "runtime.json");
  const started = await start(execPath, [PROGRAM, "serve"], env, async () => existsSync(file));
  const runtime = JSON.parse(readFileSync(file, "utf8")) as Runtime;
  const url = runtime.registry;
  await createRegistry(runtime.api);
  const session = async (): Promise<string> => {
    const scope = encodeURIComponent("repository:bench/image:pull,push,delete");
    const basic = Buffer.from(`bench:${TOKEN}`).toString("base64");
    const headers = { authorization: `Basic ${basic}` };
    const { body } = await request(`${url}/token?scope=${scope}`, { headers });
    return ((await body.json()) as { readonly token: string }).token;
  };
  return {
    name: "Atoll",
    pid: started.pid,
    url,
    repository: "bench/image",
    fields: { authorization: `Bearer ${await session()}` },
    [Symbol.asyncDispose]: async () => {
      await started[Symbol.asyncDispose]();
      await rm(dataDir, { recursive: true });
    },
  };
}

interface Runtime {
  readonly api: string;
  readonly registry: string;
}

async function createRegistry(api: string): Promise<void> {
  const { statusCode, body } = await request(`${api}/v2/registries`, {
    method: "POST",
    headers: { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" },
    body: JSON.stringify({ name: "bench", subscription_tier_slug: "professional" }),
  });
  const text = await body.text();
  if (statusCode !== 201) throw new Error(`No registry: ${statusCode} ${text}`);
}

function configuration(folder: string, port: number): string {
  return `version: 0.1
log:
  fields:
    service: registry
storage:
  cache:
    blobdescriptor: inmemory
  filesystem:
    rootdirectory: ${folder}/data
  delete:
    enabled: true
http:
  addr: 127.0.0.1:${port}
  headers:
    X-Content-Type-Options: [nosniff]
health:
  storagedriver:
    enabled: true
    interval: 10s
    threshold: 3
`;
}

async function start(
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  isUp: () => Promise<boolean>,
): Promise<{ readonly pid: number } & AsyncDisposable> {
  const child = spawn("taskset", ["-c", SERVER_CORE, program, ...args], {
    env: { ...ENVIRONMENT, ...env },
    // What each says of a request goes to the same nowhere.
    stdio: "ignore",
  });
  const { pid } = child;
  if (pid === undefined) throw new Error(`${program} does not start`);
  const dispose = (): Promise<void> => stopped(child);
  const end = performance.now() + START_DEADLINE_MS;
  while (!(await isUp().catch(() => false))) {
    if (child.exitCode !== null || performance.now() > end) {
      await dispose();
      throw new Error(`${program} did not start`);
    }
    await delay(20);
  }
  return { pid, [Symbol.asyncDispose]: dispose };
}

async function stopped(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  child.kill("SIGTERM");
  await exited;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { env, stdout } from "node:process";
import { cpuSeconds, firstLine, load, median, startPinned, stop } from "./processes.ts";

/**
 * `npm run bench:api`: `GET /v2/cdn/endpoints/{id}` of a real Atoll, its limiter at work with
 * raised limits, beside a bare Hono route; in turn, each on one core, the load on the other.
 */
const ROUNDS = 5;
const SECONDS = "4";
const CONNECTIONS = "16";
const TOKEN = "bench-token";

interface Peer {
  readonly name: string;
  readonly origin: string;
  readonly path: string;
  readonly pid: number;
}

await using stack = new AsyncDisposableStack();
const atoll = await startAtoll();
const hono = await startHono(atoll.reply);
const peers: readonly Peer[] = [atoll, hono];
const perCpuSecond = new Map<string, number[]>(peers.map(({ name }) => [name, []]));

for (const { origin, path } of peers) await load(1, [origin, path, TOKEN, CONNECTIONS, "1"]);
for (let round = 1; round <= ROUNDS; round += 1) {
  for (const { name, origin, path, pid } of peers) {
    const before = cpuSeconds(pid);
    const result = await load(1, [origin, path, TOKEN, CONNECTIONS, SECONDS]);
    const rate = result.answered / (cpuSeconds(pid) - before);
    perCpuSecond.get(name)?.push(rate);
    const wall = result.answered / Number(SECONDS);
    stdout.write(
      `${round}  ${name.padEnd(10)} ${rate.toFixed(0).padStart(7)} requests/cpu·s ` +
        `${wall.toFixed(0).padStart(7)} requests/s  p50 ${result.p50Ms.toFixed(2)} ms  ` +
        `p99 ${result.p99Ms.toFixed(2)} ms  failed ${result.failures}\n`,
    );
  }
}
const [own = 0, bare = 0] = peers.map(({ name }) => median(perCpuSecond.get(name) ?? []));
stdout.write(
  `median: Atoll ${own.toFixed(0)}, bare Hono ${bare.toFixed(0)} requests/cpu·s: ` +
    `ratio ${(own / bare).toFixed(2)}\n`,
);

async function startAtoll(): Promise<Peer & { readonly reply: string }> {
  const dataDir = await mkdtemp(join(tmpdir(), "atoll-bench-"));
  stack.defer(() => rm(dataDir, { recursive: true }));
  const child = startPinned(
    0,
    [new URL("../src/cli/atoll.ts", import.meta.url).pathname, "serve"],
    {
      PATH: env["PATH"],
      ATOLL_DATA_DIR: dataDir,
      ATOLL_API_PORT: "0",
      ATOLL_API_TLS_PORT: "0",
      ATOLL_EDGE_PORT: "0",
      ATOLL_EDGE_TLS_PORT: "0",
      ATOLL_TOKEN: TOKEN,
      ATOLL_RATE_LIMIT_HOUR: "10000000",
      ATOLL_RATE_LIMIT_MINUTE: "10000000",
      ATOLL_RATE_LIMIT_CDN: "10000000",
    },
  );
  stack.defer(() => stop(child));
  await firstLine(child);
  const runtime = JSON.parse(await readFile(join(dataDir, "runtime.json"), "utf8")) as {
    readonly pid: number;
    readonly api: string;
  };
  const created = await fetch(`${runtime.api}/v2/cdn/endpoints`, {
    method: "POST",
    headers: { authorization: `Bearer ${TOKEN}` },
    body: JSON.stringify({ origin: "bench.nyc3.digitaloceanspaces.com" }),
  });
  const reply = await created.text();
  const { endpoint } = JSON.parse(reply) as { readonly endpoint: { readonly id: string } };
  const path = `/v2/cdn/endpoints/${endpoint.id}`;
  return { name: "Atoll", origin: runtime.api, path, pid: runtime.pid, reply };
}

async function startHono(reply: string): Promise<Peer> {
  const script = new URL("./bare-hono.ts", import.meta.url).pathname;
  const child = startPinned(0, [script, reply], { PATH: env["PATH"] });
  stack.defer(() => stop(child));
  const origin = `http://127.0.0.1:${await firstLine(child)}`;
  if (child.pid === undefined) throw new Error("The peer did not start");
  return { name: "bare Hono", origin, path: "/v2/cdn/endpoints/any", pid: child.pid };
}

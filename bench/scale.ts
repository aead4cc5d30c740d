import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { argv, env, stdout } from "node:process";
import { Pool } from "undici";
import { firstLine, startPinned, stop } from "./processes.ts";

/**
 * `npm run bench:scale [ENDPOINTS]`: creates endpoints through the API of a real Atoll, then reads
 * pages of 200 at the beginning, in the middle and at the end, one request at a time.
 */
const TOTAL = Number(argv[2] ?? 100_000);
const CONNECTIONS = 64;
const PAGES_EACH = 50;
const TOKEN = "bench-token";
const headers = { authorization: `Bearer ${TOKEN}` };

await using stack = new AsyncDisposableStack();
const dataDir = await mkdtemp(join(tmpdir(), "atoll-bench-"));
stack.defer(() => rm(dataDir, { recursive: true }));
const program = new URL("../src/cli/atoll.ts", import.meta.url).pathname;
const child = startPinned(0, [program, "serve"], {
  PATH: env["PATH"],
  ATOLL_DATA_DIR: dataDir,
  ATOLL_API_PORT: "0",
  ATOLL_API_TLS_PORT: "0",
  ATOLL_EDGE_PORT: "0",
  ATOLL_EDGE_TLS_PORT: "0",
  ATOLL_TOKEN: TOKEN,
  ATOLL_RATE_LIMITS: "off",
});
stack.defer(() => stop(child));
await firstLine(child);
const { api } = JSON.parse(await readFile(join(dataDir, "runtime.json"), "utf8")) as {
  readonly api: string;
};
const pool = new Pool(api, { connections: CONNECTIONS });
stack.defer(() => pool.close());

const creations = new Float64Array(TOTAL);
let next = 0;
const startedAt = performance.now();
await Promise.all(
  Array.from({ length: CONNECTIONS }, async () => {
    while (next < TOTAL) {
      const number = next;
      next += 1;
      const body = JSON.stringify({ origin: `space-${number}.nyc3.digitaloceanspaces.com` });
      creations[number] = await timed("POST", "/v2/cdn/endpoints", 201, body);
    }
  }),
);
const rate = TOTAL / ((performance.now() - startedAt) / 1_000);
stdout.write(`${TOTAL} created: ${rate.toFixed(0)} a second over ${CONNECTIONS} connections\n`);
const tenth = Math.floor(TOTAL / 10);
report("a creation, first tenth", creations.subarray(0, tenth));
report("a creation, last tenth", creations.subarray(TOTAL - tenth));
const last = TOTAL / 200;
for (const page of [1, Math.ceil(last / 2), last]) {
  const path = `/v2/cdn/endpoints?per_page=200&page=${page}`;
  const took = new Float64Array(PAGES_EACH);
  for (let turn = 0; turn < PAGES_EACH; turn += 1) took[turn] = await timed("GET", path, 200);
  report(`page ${page} of 200`, took);
}

async function timed(
  method: "GET" | "POST",
  path: string,
  expected: number,
  body?: string,
): Promise<number> {
  const from = performance.now();
  const reply = await pool.request({
    method,
    path,
    headers,
    ...(body === undefined ? {} : { body }),
  });
  await reply.body.dump();
  if (reply.statusCode !== expected) throw new Error(`${method} ${path}: ${reply.statusCode}`);
  return performance.now() - from;
}

function report(what: string, ms: Float64Array): void {
  const sorted = ms.toSorted();
  const at = (share: number): string =>
    (sorted[Math.floor((sorted.length - 1) * share)] ?? 0).toFixed(1);
  stdout.write(
    `${what.padEnd(24)} min ${at(0)}  median ${at(0.5)}  p95 ${at(0.95)}  max ${at(1)} ms\n`,
  );
}

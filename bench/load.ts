import { argv, stdout } from "node:process";
import { Pool } from "undici";

/** A closed loop: `load.ts ORIGIN PATH TOKEN CONNECTIONS SECONDS` prints what was answered. */
const [, , origin = "", path = "", token = "", connections = "16", seconds = "5"] = argv;

const pool = new Pool(origin, { connections: Number(connections), pipelining: 1 });
const latenciesMs: number[] = [];
let failures = 0;
const endsAt = performance.now() + Number(seconds) * 1_000;

async function client(): Promise<void> {
  while (performance.now() < endsAt) {
    const startedAt = performance.now();
    const { statusCode, body } = await pool.request({
      method: "GET",
      path,
      headers: { authorization: `Bearer ${token}` },
    });
    await body.dump();
    if (statusCode === 200) latenciesMs.push(performance.now() - startedAt);
    else failures += 1;
  }
}

await Promise.all(Array.from({ length: Number(connections) }, client));
await pool.close();
const sorted = latenciesMs.toSorted((a, b) => a - b);
const at = (share: number): number => sorted[Math.floor(sorted.length * share)] ?? Number.NaN;
stdout.write(
  `${JSON.stringify({ answered: sorted.length, failures, p50Ms: at(0.5), p99Ms: at(0.99) })}\n`,
);

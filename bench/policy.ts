import { argv, stdout } from "node:process";
import { markdown } from "./edge/table.ts";
import type { Cache, Policy } from "./policy/cache.ts";
import { Lru, LruOfSecondRequests } from "./policy/lru.ts";
import { memoryTable } from "./policy/memory.ts";
import { Ours, PublishedS3Fifo } from "./policy/s3-fifo.ts";
import { Sieve } from "./policy/sieve.ts";
import { TinyLfu } from "./policy/tiny-lfu.ts";
import { footprintBytes, oneHitShare, type Trace, traces } from "./policy/traces.ts";

/**
 * `npm run bench:policy [SEED]`: what a stored response takes in memory; then, for each trace and two
 * sizes of the cache, how many of 100 requests are hits, and of 100 bytes.
 */
const SEED = Number(argv[2] ?? 1);
/** Sizes of the cache, as shares of what all objects take. */
const SHARES = [0.01, 0.1];

const POLICIES: readonly Policy[] = [
  { name: "LRU", of: (bytesMax) => new Lru(bytesMax) },
  { name: "LRU, 2nd request", of: (bytesMax) => new LruOfSecondRequests(bytesMax) },
  { name: "SIEVE", of: (bytesMax) => new Sieve(bytesMax) },
  { name: "W-TinyLFU", of: (bytesMax) => new TinyLfu(bytesMax) },
  { name: "S3-FIFO", of: (bytesMax) => new PublishedS3Fifo(bytesMax) },
  { name: "Atoll", of: (bytesMax) => new Ours(bytesMax) },
];

stdout.write(`${await memoryTable()}\n`);
const all = traces(SEED).map((trace) => ({ trace, footprint: footprintBytes(trace) }));
for (const share of SHARES) {
  const rows: string[][] = [];
  for (const { trace, footprint } of all) {
    const cells = POLICIES.map(({ of }) => ratios(trace, of(footprint * share)));
    rows.push([`${trace.name} (${percent(oneHitShare(trace))} % asked once)`, ...cells]);
  }
  const head = [`hits / bytes, ${share * 100} % fit`, ...POLICIES.map(({ name }) => name)];
  stdout.write(`\n${markdown(head, rows)}\n`);
}

function ratios({ requests, bytes }: Trace, cache: Cache): string {
  let hits = 0;
  let hitBytes = 0;
  let allBytes = 0;
  for (const object of requests) {
    const size = bytes[object] ?? 0;
    allBytes += size;
    if (!cache.request(object, size)) continue;
    hits += 1;
    hitBytes += size;
  }
  return `${percent(hits / requests.length)} / ${percent(hitBytes / allBytes)}`;
}

function percent(share: number): string {
  return (share * 100).toFixed(1);
}

import { setTimeout as delay } from "node:timers/promises";
import { percentile } from "../edge/percentile.ts";
import { residentBytesOf } from "../edge/process-tree.ts";
import { Client, digestOf, manifestOf, newOctets } from "./client.ts";
import type { Server } from "./server.ts";

const TAGS = 100_000;
const TAGS_A_PUSH = 50;
const PAGES = 50;
const PUSHES = 50;
const MIB = 1_048_576;
const LOOK_EVERY_MS = 50;

/** What only Atoll is asked: pages of many tags, and how long each takes. */
export async function tagPages(server: Server): Promise<string> {
  await using client = new Client(server, 16);
  const config = await client.newBlob(1_024);
  const body = manifestOf(config, [], "many tags");
  const fields = { "content-type": "application/vnd.docker.distribution.manifest.v2+json" };
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < TAGS) {
      const tags = Array.from({ length: TAGS_A_PUSH }, (_, one) => `tag=${nameOf(next + one)}`);
      next += TAGS_A_PUSH;
      const path = client.path(`manifests/${digestOf(body)}?${tags.join("&")}`);
      await client.ask("PUT", path, { body, fields, expected: 201 });
    }
  };
  await Promise.all(Array.from({ length: 8 }, lane));
  const took = new Float64Array(PAGES);
  for (let page = 0; page < PAGES; page += 1) {
    const last = nameOf(Math.floor((TAGS / PAGES) * page));
    const from = performance.now();
    await client.ask("GET", client.path(`tags/list?n=1000&last=${last}`), { expected: 200 });
    took[page] = performance.now() - from;
  }
  const [p50, p99] = [percentile(took, 0.5), percentile(took, 0.99)];
  return `a page of 1,000 of ${TAGS} tags: p50 ${p50.toFixed(2)} ms, p99 ${p99.toFixed(2)} ms (aim: 5)`;
}

function nameOf(number: number): string {
  return `v${String(number).padStart(6, "0")}`;
}

/** The most that the registry's process had while many pushed at once, looked at 20 times a second. */
export async function pushMemory(server: Server, eachMib: number): Promise<string> {
  await using client = new Client(server, PUSHES);
  const octets = newOctets(eachMib * MIB);
  const before = residentBytesOf(server.pid);
  let peak = before;
  const ending = new AbortController();
  const looking = (async () => {
    while (!ending.signal.aborted) {
      peak = Math.max(peak, residentBytesOf(server.pid));
      await delay(LOOK_EVERY_MS);
    }
  })();
  const from = performance.now();
  const digest = digestOf(octets);
  await Promise.all(Array.from({ length: PUSHES }, () => client.pushBlob(octets, digest)));
  const seconds = (performance.now() - from) / 1_000;
  ending.abort();
  await looking;
  const mib = (bytes: number): string => `${(bytes / MIB).toFixed(0)} MiB`;
  return (
    `${PUSHES} pushes of ${eachMib} MiB at once: ${mib(before)} before, ${mib(peak)} at most, ` +
    `${seconds.toFixed(1)} s`
  );
}

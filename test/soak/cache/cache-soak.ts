import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { HELD_SHARE, WRITE_QUEUE_BYTES_MAX } from "#edge/disk/limits.ts";
import { type Atoll, startAtoll } from "../../support/atoll.ts";
import { until } from "../../support/until.ts";
import { createEndpoint, createSpace, hostOf, originOf } from "../../support/world.ts";
import { type Check, checksOf, type NamedFind, unseen } from "../checks.ts";
import { randomFrom } from "../random.ts";
import { pairs, report } from "../report.ts";
import { ACCESS_LOG, beginTrial, loadTrial, WORKERS } from "../trial.ts";
import { inMib } from "../vitals.ts";
import type { SoakTerms } from "../wire-soak.ts";
import { Catalogue, currentOf, octetsIn } from "./catalogue.ts";
import { runClients } from "./clients.ts";
import { bytesBelow, openEntries } from "./disk-vitals.ts";
import { Oracle } from "./oracle.ts";
import { Purger } from "./purger.ts";
import { startStore } from "./store.ts";
import { TROUBLES, Weather } from "./weather.ts";

const SPACE = "soak";
/** Less than there is: what is asked for last takes the place of something else. */
const MEMORY_BYTES = 16 * 1024 * 1024;
const DISK_BYTES = 48 * 1024 * 1024;
/** Above that nothing is taken in; what each worker had in its queue by then is written all the same. */
const DISK_BYTES_SEEN_MAX = DISK_BYTES * HELD_SHARE + WORKERS * WRITE_QUEUE_BYTES_MAX;
const DISK_LOOKS_EVERY_MS = 3_000;
/** All folders are looked at in turn. */
const REST_DEADLINE_MS = 60_000;
const TTL_SECONDS = 60;

/** All that a day has for a cache, in minutes, against the whole platform. */
export async function soakCache({ minutes, seed, say }: SoakTerms): Promise<readonly Check[]> {
  await using stack = new AsyncDisposableStack();
  const catalogue = new Catalogue(randomFrom(seed));
  const weather = new Weather();
  const store = stack.use(await startStore({ catalogue, weather, random: randomFrom(seed + 1) }));
  const atoll = stack.use(
    await startAtoll({
      env: {
        ATOLL_EDGE_WORKERS: String(WORKERS),
        ATOLL_EDGE_MEMORY_BYTES: String(MEMORY_BYTES),
        ATOLL_EDGE_DISK_BYTES: String(DISK_BYTES),
        ATOLL_ACCESS_LOG: ACCESS_LOG,
      },
    }),
  );
  await createSpace(atoll, SPACE, { upstream: store.url });
  const { id } = await createEndpoint(atoll, originOf(SPACE), { ttl: TTL_SECONDS });
  const trial = await beginTrial(atoll);
  const oracle = new Oracle(weather, trial.connections);
  const purger = new Purger(atoll, id, catalogue, oracle);
  const place = {
    url: atoll.runtime.edge,
    tlsUrl: atoll.runtime.edge_tls,
    ca: readFileSync(join(atoll.dataDir, "ca/ca.pem"), "utf8"),
    host: hostOf(SPACE),
  };
  const folder = join(atoll.dataDir, "cache");
  const disk = { bytesMax: 0 };
  await loadTrial(trial, {
    lastsMs: minutes * 60_000,
    seed,
    say,
    load: async (soak) => {
      const { signal } = soak;
      await Promise.all([
        runClients({ soak, place, catalogue, oracle, seed }),
        weather.run(randomFrom(seed + 2), signal, store),
        purger.run(randomFrom(seed + 3), signal),
        watchDisk(folder, disk, signal),
      ]);
    },
  });
  const own: readonly NamedFind[] = [
    ["every outcome was seen", unseen("HIT", "MISS", "STALE", "REVALIDATED", "BYPASS")],
    ["the origin was in every kind of trouble", () => untroubled(weather, minutes)],
    ["the disk was used, and kept within its limit", () => diskFault(folder, disk.bytesMax)],
    ["after a purge of everything all is answered as it is", () => finds(atoll, purger, catalogue)],
    ["no removed file is kept open", ({ program }) => removedFiles(program.workers)],
  ];
  store.rest();
  const checks = await checksOf(trial, own);
  report(trial, say);
  say(`origin: ${pairs(weather.counts)}`);
  say(`changes: ${purger.changes}; purges: ${pairs(purger.counts)}`);
  say(`disk, at most: ${inMib(disk.bytesMax)} of ${inMib(DISK_BYTES)}`);
  return checks;
}

async function watchDisk(
  folder: string,
  disk: { bytesMax: number },
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    disk.bytesMax = Math.max(disk.bytesMax, bytesBelow(folder));
    await delay(DISK_LOOKS_EVERY_MS, undefined, { signal }).catch(() => undefined);
  }
}

async function diskFault(folder: string, bytesMax: number): Promise<string | undefined> {
  if (bytesMax < DISK_BYTES / 2) return `only ${inMib(bytesMax)} were used`;
  if (bytesMax > DISK_BYTES_SEEN_MAX) return `${inMib(bytesMax)} of ${inMib(DISK_BYTES)}`;
  await until(
    "no more than that is left",
    () => bytesBelow(folder) <= DISK_BYTES,
    REST_DEADLINE_MS,
  );
  return undefined;
}

/** A run of less than a minute need not have had them all. */
function untroubled({ counts }: Weather, minutes: number): string | undefined {
  const missing = TROUBLES.filter((trouble) => !counts.has(trouble));
  if (minutes < 1 || missing.length === 0) return undefined;
  return `missing: ${missing.join(", ")}`;
}

/** Nobody changes anything any more: there is one right answer to each question. */
async function finds(
  atoll: Atoll,
  purger: Purger,
  { objects }: Catalogue,
): Promise<string | undefined> {
  await purger.purge("everything", randomFrom(1));
  for (const object of objects) {
    const { number, length } = currentOf(object);
    for (const _ of [1, 2, 3]) {
      const { status, body } = await atoll.edge(hostOf(SPACE), object.path);
      const isRight =
        length === undefined
          ? status === 404
          : status === 200 && body.equals(octetsIn(object, number, 0, length));
      if (!isRight) return `${object.path}, version ${number}: ${status}, ${body.length} octets`;
    }
  }
  return undefined;
}

async function removedFiles(workers: readonly number[]): Promise<string | undefined> {
  const removed = () => workers.filter((pid) => openEntries(pid).removed > 0);
  await until("removed files are closed", () => removed().length === 0);
  return undefined;
}

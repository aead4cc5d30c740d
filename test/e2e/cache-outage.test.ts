import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import process from "node:process";
import { after, describe, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { startEdgeAlone } from "../support/edge-alone.ts";
import { exchange } from "../support/exchange.ts";
import { type ObjectOrigin, sendObject, startObjectOrigin } from "../support/object-origin.ts";
import { octetsOf } from "../support/octets.ts";
import { until } from "../support/until.ts";

/** Of minutes, in short: what lasts longer is no other state. */
const OUTAGE_MS = 20_000;
const WORKERS = 2;
const LENGTH = 2_000;
const LANES = 8;
/** The issue of a second, and what a busy machine takes to notice. */
const RETURN_MS = 1_000;
const NOTICED_MS = 500;

/** What a path begins with says for how long it is fresh, and whether it may be served after that. */
const CACHE_CONTROL: Readonly<Record<string, string>> = {
  fresh: "max-age=3600",
  stale: "max-age=1",
  sheltered: "max-age=1, stale-if-error=3600",
  strict: "max-age=1, must-revalidate",
  never: "no-store",
};

/** How an origin is down. */
type Outage = "refuses connections" | "closes connections" | "says nothing";

/** An origin that goes down and comes back, always at the same port. */
class FrailOrigin implements AsyncDisposable {
  readonly port: number;
  /** While it was down. */
  connections = 0;
  #up: ObjectOrigin | undefined;
  #down: AsyncDisposable | undefined;

  constructor(up: ObjectOrigin) {
    this.#up = up;
    this.port = up.port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async goDown(outage: Outage): Promise<void> {
    await this.#up?.[Symbol.asyncDispose]();
    this.#up = undefined;
    if (outage === "refuses connections") return;
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      this.connections += 1;
      socket.on("error", () => undefined);
      if (outage === "closes connections") socket.destroy();
      else sockets.add(socket);
    });
    server.listen(this.port, "127.0.0.1");
    await once(server, "listening");
    this.#down = {
      [Symbol.asyncDispose]: async () => {
        for (const socket of sockets) socket.destroy();
        await server[Symbol.asyncDispose]();
      },
    };
  }

  async comeBack(): Promise<void> {
    await this.#down?.[Symbol.asyncDispose]();
    this.#down = undefined;
    this.#up = await startObjectOrigin(answer, this.port);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#down?.[Symbol.asyncDispose]();
    await this.#up?.[Symbol.asyncDispose]();
  }
}

const answer: Parameters<typeof startObjectOrigin>[0] = (request, response) => {
  const name = request.url ?? "";
  const cacheControl = CACHE_CONTROL[name.split("/")[1] ?? ""] ?? "";
  const fields = { etag: `"${name}"`, "cache-control": cacheControl };
  return sendObject(request, response, { name, length: LENGTH, fields });
};

const stack = new AsyncDisposableStack();
after(() => stack.disposeAsync());

interface Answered {
  readonly kind: string;
  readonly status: number;
  readonly cache: string;
  readonly text: string;
  readonly tookMs: number;
}

async function ask(url: string, target: string): Promise<Answered> {
  const startedAt = performance.now();
  const { status, headers, body, text } = await exchange(url + target);
  const tookMs = performance.now() - startedAt;
  if (status === 200) assert(body.equals(octetsOf(target, 0, LENGTH)), `${target}: other octets`);
  const [, kind = ""] = target.split("/");
  return { kind, status, cache: String(headers["x-cache"]), text, tookMs };
}

/** Connections that were refused on this machine, to whoever tried. */
function refusals(): number {
  const [names = "", values = ""] = readFileSync("/proc/net/snmp", "utf8")
    .split("\n")
    .filter((line) => line.startsWith("Tcp:"));
  return Number(values.split(" ")[names.split(" ").indexOf("AttemptFails")]);
}

const OUTAGES: readonly { readonly outage: Outage; readonly statuses: readonly number[] }[] = [
  { outage: "refuses connections", statuses: [502] },
  { outage: "closes connections", statuses: [502] },
  { outage: "says nothing", statuses: [502, 504] },
];

describe("an origin that is down", { concurrency: true }, () => {
  for (const { outage, statuses } of OUTAGES) {
    test(`because it ${outage} is done without where that is permitted`, async () => {
      const origin = new FrailOrigin(await startObjectOrigin(answer));
      stack.use(origin);
      const args = ["--workers", String(WORKERS)];
      const edge = stack.use(await startEdgeAlone({ origin: origin.url, args }));
      const kinds = Object.keys(CACHE_CONTROL);
      const targets = kinds.flatMap((kind) => [`/${kind}/1`, `/${kind}/2`]);
      // Both workers have them all: one is missed once in 2^20 runs.
      for (let i = 0; i < 20; i += 1) for (const target of targets) await ask(edge.url, target);
      await delay(1_100); // No longer fresh.

      const refusedBefore = refusals();
      await origin.goDown(outage);
      const answers: Answered[] = [];
      const until = performance.now() + OUTAGE_MS;
      const lane = async (first: number): Promise<void> => {
        for (let i = first; performance.now() < until; i += 1) {
          answers.push(await ask(edge.url, targets[i % targets.length] ?? ""));
          await delay(5);
        }
      };
      const lanes = Promise.all(Array.from({ length: LANES }, (_, i) => lane(i)));
      await delay(OUTAGE_MS);
      const refused = refusals() - refusedBefore;
      const { connections } = origin;
      await origin.comeBack();
      const normalAfterMs = await returnsToNormal(edge.url, targets);
      await lanes;

      for (const { kind, status, cache, text } of answers) {
        const what = `${kind}: ${status} ${cache} ${text.slice(0, 80)}`;
        if (kind === "fresh") assert.deepEqual([status, cache], [200, "HIT"], what);
        else if (kind === "stale" || kind === "sheltered") {
          assert.equal(status, 200, what);
        } else if (status !== 200) {
          assert(statuses.includes(status), what);
          assert.match(text, /^The origin .+\.\n$/, what);
        }
      }
      console.log(outage, { answers: answers.length, refused, connections, normalAfterMs, max: Math.max(...answers.map((a)=>a.tookMs)) });
      console.log(Object.entries(Object.groupBy(answers, (a)=>`${a.kind} ${a.status} ${a.cache}`)).map(([k,v])=>`${k}: ${v!.length}`));
    });
  }
});

/** How long it takes until all is answered by the origin, or as what it has confirmed. */
async function returnsToNormal(url: string, targets: readonly string[]): Promise<number> {
  const startedAt = performance.now();
  await until("all is normal", async () => {
    const answers = await Promise.all(targets.map((target) => ask(url, target)));
    return answers.every(({ status, cache }) => status === 200 && cache !== "STALE");
  });
  return performance.now() - startedAt;
}

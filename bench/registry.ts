import { mkdtemp, rm } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { argv, stderr, stdout } from "node:process";
import { parseArgs } from "node:util";
import { noiseMeter } from "./edge/noise.ts";
import { cpuMeter } from "./edge/process-tree.ts";
import { joinLoad } from "./edge/program.ts";
import { Rounds } from "./edge/rounds.ts";
import { markdown } from "./edge/table.ts";
import { pushMemory, tagPages } from "./registry/alone.ts";
import { CASES, type Case } from "./registry/cases.ts";
import { Client } from "./registry/client.ts";
import { type Server, startAtoll, startDockerRegistry } from "./registry/server.ts";

/**
 * `npm run bench:registry -- --rounds 5 --seconds 2 --cases manifest`: Atoll's registry beside Debian's
 * docker-registry, each on one core, in turn; then what only Atoll is asked. Linux, two cores.
 */
const { values } = parseArgs({
  args: argv.slice(2),
  options: {
    rounds: { type: "string", default: "5" },
    seconds: { type: "string", default: "2" },
    cases: { type: "string", default: "" },
    alone: { type: "boolean", default: true },
    /** Of each of the 50 pushes at once. */
    "pushed-mib": { type: "string", default: "64" },
  },
  allowNegative: true,
});
const rounds = Number(values.rounds);
const seconds = Number(values.seconds);
const pushedMib = Number(values["pushed-mib"]);
const ATOLL = "Atoll";
const PEER = "docker-registry";

if (availableParallelism() < 2) throw new Error("It needs a core for the load beside the server's");
await joinLoad();
await using stack = new AsyncDisposableStack();
const folder = await mkdtemp(join(tmpdir(), "atoll-bench-"));
stack.defer(() => rm(folder, { recursive: true, force: true }));
const peer = await startDockerRegistry(folder);
if (peer === undefined) stderr.write("docker-registry is not installed: nothing to compare with\n");
else stack.use(peer);
const atoll = stack.use(await startAtoll(folder));
const figures = new Rounds();
const cases = CASES.filter(({ name }) => name.includes(values.cases));
for (const one of cases) await measure(one, peer === undefined ? [atoll] : [atoll, peer]);
stdout.write(`${table(cases)}\n`);
if (values.alone) {
  stdout.write(`\n- ${await pushMemory(atoll, pushedMib)} (aim: 250)\n`);
  if (peer !== undefined) stdout.write(`- ${PEER}: ${await pushMemory(peer, pushedMib)}\n`);
  stdout.write(`- ${await tagPages(atoll)}\n`);
}

/** Both in turn, round after round, so that a noisy minute is everybody's. */
async function measure(one: Case, servers: readonly Server[]): Promise<void> {
  await using clients = new AsyncDisposableStack();
  const ready: { readonly server: Server; readonly work: () => Promise<void> }[] = [];
  for (const server of servers) {
    const client = clients.use(new Client(server, one.connections));
    const work = await one.prepare(client);
    ready.push({ server, work });
    await repeat(one, work, seconds / 2);
  }
  for (let round = 0; round < rounds; round += 1) {
    for (const { server, work } of round % 2 === 0 ? ready : ready.toReversed()) {
      const noisePercent = noiseMeter();
      const cpuSeconds = cpuMeter(server.pid);
      const done = await repeat(one, work, seconds);
      const value = done / cpuSeconds();
      const name = server === atoll ? ATOLL : PEER;
      figures.add(one.name, name, { round, value });
      const noise = noisePercent().toFixed(0);
      stderr.write(`${one.name}: ${round + 1}: ${name}: ${value.toFixed(1)} a CPU-second`);
      stderr.write(` (others took ${noise} % of a core)\n`);
    }
  }
}

/** @returns how often it was done */
async function repeat(one: Case, work: () => Promise<void>, lasts: number): Promise<number> {
  const endsAt = performance.now() + lasts * 1_000;
  let begun = 0;
  const isLast = (): boolean =>
    one.times === undefined ? performance.now() >= endsAt : begun >= one.times;
  const lane = async (): Promise<void> => {
    while (!isLast()) {
      begun += 1;
      await work();
    }
  };
  await Promise.all(Array.from({ length: one.connections }, lane));
  return begun;
}

function table(measured: readonly Case[]): string {
  const shown = (value: number | undefined, digits: number): string =>
    value === undefined ? "–" : value.toFixed(digits);
  const rows = measured.map(({ name, aim }) => {
    const [own, other] = [figures.median(name, ATOLL), figures.median(name, PEER)];
    const digits = (own ?? 0) < 100 ? 2 : 0;
    const ratio = figures.ratio(name, ATOLL, PEER);
    return [name, shown(own, digits), shown(other, digits), shown(ratio, 2), String(aim)];
  });
  return markdown(["per server CPU-second", ATOLL, PEER, "ratio", "aim"], rows);
}

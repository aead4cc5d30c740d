import process from "node:process";
import { parseArgs } from "node:util";
import { openAuthority } from "../support/certificates.ts";
import { startEdgeAlone } from "../support/edge-alone.ts";
import { type Check, checksOf } from "./checks.ts";
import { startOrigin } from "./origin.ts";
import { report } from "./report.ts";
import { ACCESS_LOG, beginTrial, loadTrial, WORKERS } from "./trial.ts";

/**
 * `npm run soak -- --minutes 10 --seed 1`: all that a day on the wire has, in minutes, against the
 * real `atoll edge`. What is asked, sent and killed follows from the seed; when, from the machine.
 */
const MEMORY_BYTES = 32 * 1024 * 1024;

/** What a command line asks for. @throws Error that says what was expected */
function readOptions(): { readonly minutes: number; readonly seed: number } {
  const { values } = parseArgs({
    options: {
      minutes: { type: "string", default: "1" },
      seed: { type: "string", default: String(process.pid) },
    },
  });
  const minutes = Number(values.minutes);
  const seed = Number(values.seed);
  if (!(minutes > 0)) throw new Error("--minutes: expected a number above 0");
  if (!Number.isSafeInteger(seed)) throw new Error("--seed: expected a whole number");
  return { minutes, seed };
}

async function soak(): Promise<readonly Check[]> {
  if (process.platform !== "linux") throw new Error("The soak reads /proc, which only Linux has");
  const { minutes, seed } = readOptions();
  say(`soak: ${minutes} minutes, seed ${seed}, Node ${process.version}`);
  await using stack = new AsyncDisposableStack();
  const origin = stack.use(await startOrigin());
  const authority = stack.use(await openAuthority());
  const files = await authority.filesOf(await authority.issue("127.0.0.1"));
  const args = ["--workers", String(WORKERS), "--memory", String(MEMORY_BYTES)];
  const log = ["--access-log", ACCESS_LOG];
  const edge = stack.use(
    await startEdgeAlone({ origin: origin.url, files, args: [...args, ...log] }),
  );
  const trial = await beginTrial(edge);
  const place = { url: edge.url, tlsUrl: edge.tlsUrl, ca: authority.caPem };
  await loadTrial(trial, place, { lastsMs: minutes * 60_000, seed, say });
  origin.rest();
  const checks = await checksOf(trial, place);
  report(trial, say);
  return checks;
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

const checks = await soak();
for (const { what, failure } of checks) {
  say(failure === undefined ? `ok      ${what}` : `FAILED  ${what}: ${failure}`);
}
const failed = checks.filter(({ failure }) => failure !== undefined).length;
say(`${checks.length - failed} passed, ${failed} failed`);
if (failed > 0) process.exitCode = 1;

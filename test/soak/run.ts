import process from "node:process";
import { parseArgs } from "node:util";
import { soakCache } from "./cache/cache-soak.ts";
import { type SoakTerms, soakWire } from "./wire-soak.ts";

/**
 * `npm run soak -- --minutes 10 --seed 1`: all that a day on the wire has, in minutes; with `--cache`,
 * all that a day has for a cache. What is asked, sent and killed follows from the seed; when, from the
 * machine.
 */
type Options = Omit<SoakTerms, "say"> & { readonly cache: boolean };

/** What a command line asks for. @throws Error that says what was expected */
function readOptions(): Options {
  const { values } = parseArgs({
    options: {
      minutes: { type: "string", default: "1" },
      seed: { type: "string", default: String(process.pid) },
      cache: { type: "boolean", default: false },
    },
  });
  const minutes = Number(values.minutes);
  const seed = Number(values.seed);
  if (!(minutes > 0)) throw new Error("--minutes: expected a number above 0");
  if (!Number.isSafeInteger(seed)) throw new Error("--seed: expected a whole number");
  return { minutes, seed, cache: values.cache };
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

if (process.platform !== "linux") throw new Error("The soak reads /proc, which only Linux has");
const { cache, ...terms } = readOptions();
const title = cache ? "soak of the cache" : "soak";
say(`${title}: ${terms.minutes} minutes, seed ${terms.seed}, Node ${process.version}`);
const checks = await (cache ? soakCache : soakWire)({ ...terms, say });
for (const { what, failure } of checks) {
  say(failure === undefined ? `ok      ${what}` : `FAILED  ${what}: ${failure}`);
}
const failed = checks.filter(({ failure }) => failure !== undefined).length;
say(`${checks.length - failed} passed, ${failed} failed`);
if (failed > 0) process.exitCode = 1;

import process from "node:process";
import { parseArgs } from "node:util";
import { soakCache } from "./cache/cache-soak.ts";
import { soakRegistry } from "./registry/registry-soak.ts";
import { type SoakTerms, soakWire } from "./wire-soak.ts";

/**
 * `npm run soak -- --minutes 10 --seed 1`: all that a day on the wire has, in minutes; with `--cache`,
 * all that a day has for a cache; with `--registry`, all that years have for a registry. What is asked,
 * sent and killed follows from the seed; when, from the machine.
 */
type Options = Omit<SoakTerms, "say"> & { readonly cache: boolean; readonly registry: boolean };

/** What a command line asks for. @throws Error that says what was expected */
function readOptions(): Options {
  const { values } = parseArgs({
    options: {
      minutes: { type: "string", default: "1" },
      seed: { type: "string", default: String(process.pid) },
      cache: { type: "boolean", default: false },
      registry: { type: "boolean", default: false },
    },
  });
  const minutes = Number(values.minutes);
  const seed = Number(values.seed);
  if (!(minutes > 0)) throw new Error("--minutes: expected a number above 0");
  if (!Number.isSafeInteger(seed)) throw new Error("--seed: expected a whole number");
  return { minutes, seed, cache: values.cache, registry: values.registry };
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

if (process.platform !== "linux") throw new Error("The soak reads /proc, which only Linux has");
const { cache, registry, ...terms } = readOptions();
const [title, soak] = registry
  ? (["soak of the registry", soakRegistry] as const)
  : cache
    ? (["soak of the cache", soakCache] as const)
    : (["soak", soakWire] as const);
say(`${title}: ${terms.minutes} minutes, seed ${terms.seed}, Node ${process.version}`);
const checks = await soak({ ...terms, say });
for (const { what, failure } of checks) {
  say(failure === undefined ? `ok      ${what}` : `FAILED  ${what}: ${failure}`);
}
const failed = checks.filter(({ failure }) => failure !== undefined).length;
say(`${checks.length - failed} passed, ${failed} failed`);
if (failed > 0) process.exitCode = 1;

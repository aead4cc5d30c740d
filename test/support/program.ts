import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { resolve } from "node:path";
import process from "node:process";

/** The full-access token of the first account in every test. */
export const TOKEN = `dop_v1_${"7e57".repeat(16)}`;
const PROGRAM = resolve(import.meta.dirname, "../../src/cli/atoll.ts");
export const START_DEADLINE_MS = 30_000;
/** What a failed test shows of the program's standard error, at most. */
export const STDERR_SHOWN = 16_384;

export interface Spawned {
  readonly child: ChildProcess;
  readonly out: { stdout: string; stderr: string };
}

const children = new Set<ChildProcess>();
// However the test process ends, what it started ends with it.
process.on("exit", () => {
  for (const child of children) child.kill("SIGKILL");
});

/** Only what the program needs of our own environment, all ports free, all limits off. */
export function serveEnvironment(
  dataDir: string,
  env: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const ports = ["API", "API_TLS", "EDGE", "EDGE_TLS", "REGISTRY", "REGISTRY_TLS", "SPACES", "DNS"];
  return {
    PATH: process.env["PATH"] ?? "",
    HOME: process.env["HOME"] ?? "",
    ATOLL_DATA_DIR: dataDir,
    ...Object.fromEntries(ports.map((name) => [`ATOLL_${name}_PORT`, "0"])),
    ATOLL_TOKEN: TOKEN,
    ATOLL_EDGE_WORKERS: "1",
    ATOLL_RATE_LIMITS: "off",
    // With a domain it would be a public one.
    ATOLL_ACME_DIRECTORY: "local",
    ...env,
  };
}

/** Runs `atoll` with arguments, its output collected. */
export function spawnAtoll(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Spawned {
  const child = spawn(process.execPath, [PROGRAM, ...args], {
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  children.add(child);
  child.once("exit", () => children.delete(child));
  const out = { stdout: "", stderr: "" };
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    out.stdout += text;
  });
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    out.stderr = (out.stderr + text).slice(-STDERR_SHOWN * 4);
  });
  return { child, out };
}

/** Runs `atoll` to its end. */
export async function runAtoll(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }> {
  const { child, out } = spawnAtoll(args, env);
  const signal = AbortSignal.timeout(START_DEADLINE_MS);
  try {
    const [code] = (await once(child, "close", { signal })) as [number | null];
    return { code, ...out };
  } catch (cause) {
    child.kill("SIGKILL");
    const said = `${out.stdout}\n${out.stderr}`;
    throw new Error(`atoll ${args.join(" ")} did not end\n${said}`, { cause });
  }
}

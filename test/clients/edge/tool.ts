import { execFile } from "node:child_process";
import process from "node:process";
import { promisify } from "node:util";

const run = promisify(execFile);
const TIMEOUT_MS = 60_000;
const OUTPUT_BYTES_MAX = 32 * 1_048_576;

export interface Ran {
  /** 0 is success. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end, whatever that is, in a minute at most. A character is an octet. */
export async function runTool(program: string, args: readonly string[], input = ""): Promise<Ran> {
  const running = run(program, [...args], {
    timeout: TIMEOUT_MS,
    maxBuffer: OUTPUT_BYTES_MAX,
    encoding: "latin1",
  });
  running.child.stdin?.on("error", () => {}).end(input);
  try {
    return { code: 0, ...(await running) };
  } catch (error) {
    const { code, killed, stdout, stderr } = error as Ran & { readonly killed: boolean };
    if (typeof code !== "number") {
      throw new Error(`${program} ${args.join(" ")}: ${killed ? "took too long" : String(code)}`, {
        cause: error,
      });
    }
    return { code, stdout, stderr };
  }
}

/** Why a program cannot be used here, or false. */
export async function missing(
  program: string,
  args: readonly string[] = ["--version"],
): Promise<string | false> {
  const found = await runTool(program, args).catch(() => undefined);
  if (found !== undefined) return false;
  return notTested(program, `there is no ${program} here`);
}

/** Says on standard error what will be skipped; answers the reason. */
export function notTested(what: string, reason: string): string {
  process.stderr.write(`\n*** ${reason}: ${what} is NOT tested. ***\n\n`);
  return reason;
}

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import process from "node:process";
import { until } from "../support/until.ts";

const OUTPUT_SHOWN = 16_384;
const children = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of children) child.kill("SIGKILL");
});

/** A program of others that serves until it is stopped. */
export interface Child {
  /** The last of what it said. */
  output(): string;
  stop(): Promise<void>;
}

/** Resolves when `isUp` does; rejects with what the program said when it ends before that. */
export async function startChild(
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  isUp: () => Promise<boolean>,
): Promise<Child> {
  const child = spawn(program, args, { env, stdio: ["ignore", "pipe", "pipe"] });
  children.add(child);
  child.once("exit", () => children.delete(child));
  let said = "";
  const keep = (text: string): void => {
    said = (said + text).slice(-OUTPUT_SHOWN);
  };
  child.stdout.setEncoding("utf8").on("data", keep);
  child.stderr.setEncoding("utf8").on("data", keep);
  const stop = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGKILL");
    await once(child, "exit");
  };
  let notUp: unknown;
  try {
    await until(`${program} is up`, async () => {
      if (child.exitCode !== null) throw new Error(`${program} ended\n${said}`);
      return isUp().catch((error: unknown) => {
        notUp = error;
        return false;
      });
    });
  } catch (error) {
    await stop();
    throw new Error(`${String(error)}: ${String(notUp)}\n${said}`, { cause: error });
  }
  return { output: () => said, stop };
}

/** Ports that nobody listens on, for programs that cannot choose one themselves. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports: number[] = [];
  for (const server of servers) {
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    ports.push((server.address() as AddressInfo).port);
  }
  for (const server of servers) {
    server.close();
    await once(server, "close");
  }
  return ports;
}

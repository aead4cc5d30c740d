import { execFile } from "node:child_process";
import { execPath } from "node:process";
import { promisify } from "node:util";
import type { NamedCommand } from "../options.ts";
import type { Launch, Peer } from "../server.ts";

const run = promisify(execFile);

const PROGRAM = new URL("../../../src/cli/atoll.ts", import.meta.url).pathname;
const ATOLL =
  `{node} ${PROGRAM} edge --origin {origin} --port {port} --tls-port {tlsPort} ` +
  "--cert {cert} --key {key} --workers {workers} --access-log {folder}/access.log";

/** This checkout, as it is. */
export const atoll = checkoutPeer("Atoll", "--memory 1073741824");

/**
 * The same with a disk tier, and as little memory before it as there may be: like nginx it then has
 * the kernel keep what is read often.
 */
export const atollOnDisk: Peer = {
  ...atollWithDisk("{folder}/cache"),
  name: "Atoll, disk",
};

/** The same, with a folder of its own choice: one that stays, say. */
export function atollWithDisk(folder: string): Peer {
  return checkoutPeer("Atoll", `--memory 16777216 --disk ${folder} --disk-bytes 6442450944`);
}

function checkoutPeer(name: string, options: string): Peer {
  return {
    ...commandPeer({ name, command: `${ATOLL} ${options}` }),
    accessLog: "to a file",
    version: checkout,
  };
}

/** A server that someone names: an older checkout, say, or one that we do not know of. */
export function commandPeer({ name, command }: NamedCommand): Peer {
  return {
    name,
    accessLog: "its own affair",
    keeps: command.includes(" --disk ") ? "disk" : "memory",
    version: () => Promise.resolve(command),
    prepare: (launch) => {
      const [program = "", ...args] = command.split(" ").map((part) => filledIn(part, launch));
      const { port, tlsPort } = launch;
      const ports = [
        ...(command.includes("{port}") ? [port] : []),
        ...(command.includes("{tlsPort}") ? [tlsPort] : []),
      ];
      return Promise.resolve({ program, args, ports });
    },
  };
}

function filledIn(part: string, launch: Launch): string {
  const values: Readonly<Record<string, string | number>> = {
    node: execPath,
    origin: launch.origin,
    port: launch.port,
    tlsPort: launch.tlsPort,
    cert: launch.certificate.certPath,
    key: launch.certificate.keyPath,
    workers: launch.workers,
    folder: launch.folder,
  };
  return part.replaceAll(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

async function checkout(): Promise<string> {
  const cwd = new URL(".", import.meta.url).pathname;
  try {
    const { stdout } = await run("git", ["describe", "--always", "--dirty"], { cwd });
    return stdout.trim();
  } catch {
    return "of unknown commit"; // No git, or no repository: it runs all the same.
  }
}

import { once } from "node:events";
import { access, constants, readdir, stat, statfs } from "node:fs/promises";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import type { Clock } from "#clock.ts";
import type { Config } from "#config.ts";
import { type Check, fail, ok, warn } from "./check.ts";
import type { Runtime } from "./server.ts";

const NODE_MAJOR_MIN = 26;

/** Below the first SQLite may not get its next page; below the second a day's uploads may not fit. */
const FREE_BYTES_FAIL = 100 * 1_048_576;
const FREE_BYTES_WARN = 1_024 * 1_048_576;
const FREE_SHARE_WARN = 0.05;

/** Before this the clock was never set: Atoll itself is younger. */
const SANE_FROM = Date.UTC(2026, 0, 1);
const SANE_TO = Date.UTC(2100, 0, 1);
/** Clocks that are kept in step differ by far less. */
const BACKWARDS_MS = 300_000;

const FILES_LOOKED_AT_MAX = 1_000;

export function checkNode(version: string): Check {
  const isNew = Number(version.split(".")[0]) >= NODE_MAJOR_MIN;
  if (isNew) return ok("node", `Node ${version}`);
  return fail(
    "node",
    `Node ${version}: start by \`npm start\`, which brings Node ${NODE_MAJOR_MIN}`,
  );
}

/** The folder is its server's alone: keys are in it. */
export async function checkFolder(dataDir: string, uid: number | undefined): Promise<Check> {
  const name = "data folder";
  const stats = await stat(dataDir).catch(() => undefined);
  if (stats === undefined) {
    const parent = await nearest(dataDir);
    const isWritable = await may(parent, constants.W_OK);
    if (isWritable) return ok(name, `${dataDir} will be made at the first start`);
    return fail(name, `${dataDir} cannot be made: ${parent} is not writable for you`);
  }
  if (!stats.isDirectory()) return fail(name, `${dataDir} is not a folder: set ATOLL_DATA_DIR`);
  if (!(await may(dataDir, constants.R_OK | constants.W_OK | constants.X_OK))) {
    return fail(name, `${dataDir} is not yours to write: run this as its owner (uid ${stats.uid})`);
  }
  if (uid !== undefined && stats.uid !== uid) {
    return warn(
      name,
      `${dataDir} belongs to uid ${stats.uid}: what you start makes files of ${uid}`,
    );
  }
  const mode = stats.mode & 0o777;
  if ((mode & 0o077) !== 0) return warn(name, `others may look into it: chmod 700 ${dataDir}`);
  return ok(name, dataDir);
}

export async function checkDisk(dataDir: string): Promise<Check> {
  const { bavail, bsize, blocks } = await statfs(await nearest(dataDir));
  return judgeDisk(bavail * bsize, blocks * bsize);
}

/** Whether there is room to write. */
export function judgeDisk(freeBytes: number, totalBytes: number): Check {
  const free = `${(freeBytes / 1_073_741_824).toFixed(1)} GiB free`;
  if (freeBytes < FREE_BYTES_FAIL) return fail("disk", `${free}: make room, writes will fail soon`);
  if (freeBytes < FREE_BYTES_WARN || freeBytes < totalBytes * FREE_SHARE_WARN) {
    return warn("disk", `${free} of ${(totalBytes / 1_073_741_824).toFixed(1)}: make room soon`);
  }
  return ok("disk", free);
}

export async function checkClock(dataDir: string, clock: Clock): Promise<Check> {
  return judgeClock(clock.now(), await newestChange(dataDir));
}

/** Certificates and lifetimes depend on it: a sane year, and never behind what was written. */
export function judgeClock(now: number, newest: number | undefined): Check {
  const shown = new Date(now).toISOString();
  if (now < SANE_FROM || now >= SANE_TO) return fail("clock", `it is not ${shown}: set the clock`);
  if (newest !== undefined && newest > now + BACKWARDS_MS) {
    const later = new Date(newest).toISOString();
    return fail("clock", `it is ${shown}, and files were written at ${later}: set the clock`);
  }
  return ok("clock", shown);
}

/** Each port that `serve` binds: free, or held by the very server that runs here. */
export async function checkPorts(
  config: Config,
  runtime: Runtime | undefined,
): Promise<readonly Check[]> {
  const held = runtime === undefined ? [] : portsOf(runtime);
  const ports: readonly Port[] = [
    { name: "API port", variable: "ATOLL_API_PORT", port: config.api.port },
    { name: "API TLS port", variable: "ATOLL_API_TLS_PORT", port: config.api.tlsPort },
    { name: "edge port", variable: "ATOLL_EDGE_PORT", port: config.edge.port },
    { name: "edge TLS port", variable: "ATOLL_EDGE_TLS_PORT", port: config.edge.tlsPort },
    { name: "registry port", variable: "ATOLL_REGISTRY_PORT", port: config.registry.port },
    {
      name: "registry TLS port",
      variable: "ATOLL_REGISTRY_TLS_PORT",
      port: config.registry.tlsPort,
    },
    { name: "DNS port", variable: "ATOLL_DNS_PORT", port: config.dns.port },
  ];
  const checks: Check[] = [];
  for (const wanted of ports) {
    const { name, port } = wanted;
    if (port === 0) checks.push(ok(name, "any free one is taken"));
    else if (held.includes(port)) checks.push(ok(name, `${port} is held by this server`));
    else checks.push(judgePort(wanted, await tryPort(config.host, port)));
  }
  return checks;
}

interface Port {
  readonly name: string;
  readonly variable: string;
  readonly port: number;
}

function judgePort({ name, variable, port }: Port, code: string | undefined): Check {
  if (code === undefined) return ok(name, `${port} is free`);
  if (code === "EADDRINUSE") {
    const who = `ss -ltnp | grep :${port}`;
    return fail(name, `another program has ${port} (${who}): stop it, or set ${variable}`);
  }
  if (code === "EACCES") {
    const how = "see docs/atoll.service";
    return fail(name, `${port} needs CAP_NET_BIND_SERVICE (${how}), or set ${variable}`);
  }
  return fail(name, `${port}: ${code}; does ATOLL_HOST name an address of this machine?`);
}

async function tryPort(host: string, port: number): Promise<string | undefined> {
  await using server = createServer();
  try {
    server.listen({ host, port });
    await once(server, "listening");
    return undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? "unknown";
  }
}

/** Every part's port, whatever the part: a URL, or an address as `127.0.0.1:8053`. */
function portsOf(runtime: Runtime): readonly number[] {
  const addresses = Object.values(runtime).filter((value) => typeof value === "string");
  return addresses.map((text) => {
    const url = URL.parse(text.includes("://") ? text : `none://${text}`);
    return Number(url?.port || (url?.protocol === "https:" ? 443 : 80));
  });
}

/** Of the folder's own files: those below it may be millions, and follow the same clock. */
async function newestChange(dataDir: string): Promise<number | undefined> {
  const names = await readdir(dataDir).catch(() => []);
  let newest: number | undefined;
  for (const name of names.slice(0, FILES_LOOKED_AT_MAX)) {
    const stats = await stat(join(dataDir, name)).catch(() => undefined);
    if (stats !== undefined) newest = Math.max(newest ?? 0, stats.mtimeMs);
  }
  return newest;
}

/** The folder, or the nearest one above it that exists. */
async function nearest(path: string): Promise<string> {
  for (let candidate = path; ; candidate = dirname(candidate)) {
    if (candidate === dirname(candidate) || (await may(candidate, constants.F_OK)))
      return candidate;
  }
}

function may(path: string, mode: number): Promise<boolean> {
  return access(path, mode).then(
    () => true,
    () => false,
  );
}

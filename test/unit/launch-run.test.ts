import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmod,
  copyFile,
  mkdir,
  mkdtemp,
  readFile,
  rm,
  symlink,
  writeFile,
} from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { text } from "node:stream/consumers";
import { after, describe, test } from "node:test";
import { pathToFileURL } from "node:url";

const source = join(import.meta.dirname, "../../launch.js");
const { chooseNode } = (await import(pathToFileURL(source).href)) as {
  chooseNode: (machine: { version: string; platform: string; arch: string }) => {
    package?: string;
  };
};

const root = await mkdtemp(join(tmpdir(), "atoll-launch-"));
after(() => rm(root, { recursive: true }));

/** A checkout with launch.js, a lock file and an npm that "installs" the Node that runs us. */
async function checkout(npm: string): Promise<{ home: string; env: NodeJS.ProcessEnv }> {
  const home = await mkdtemp(join(root, "home-"));
  await copyFile(source, join(home, "launch.js"));
  await writeFile(join(home, "package.json"), '{"type":"module","devDependencies":{"dev":"1"}}');
  await writeFile(join(home, "package-lock.json"), "{}");
  await mkdir(join(home, "bin"));
  await writeFile(join(home, "bin/npm"), `#!/bin/sh\n${npm}\n`);
  await chmod(join(home, "bin/npm"), 0o755);
  await symlink(process.execPath, join(home, "bin/node"));
  await mkdir(join(home, "src/cli"), { recursive: true });
  await writeFile(join(home, "src/cli/atoll.ts"), PROGRAM);
  const { npm_execpath: _, ...env } = process.env;
  return { home, env: { ...env, PATH: `${join(home, "bin")}:/usr/bin:/bin` } };
}

const NODE_PACKAGE = chooseNode({
  version: "26.0.0",
  platform: process.platform,
  arch: process.arch,
}).package;

/** Writes down how it was called; leaves a finished tree. */
const NPM = `
echo "$*" >> npm.log
mkdir -p node_modules/${NODE_PACKAGE}/bin
ln -sf ${process.execPath} node_modules/${NODE_PACKAGE}/bin/node
echo '{}' > node_modules/.package-lock.json
echo noise`;

/** Stands for src/cli/atoll.ts: says what it got, and leaves as it is told. */
const PROGRAM = `
import process from "node:process";
const [command, value] = process.argv.slice(2);
if (command === "exit") process.exitCode = Number(value);
if (command === "wait") {
  process.on("disconnect", () => { console.log("channel closed"); process.exit(0); });
  process.on("SIGTERM", () => { console.log("terminated"); process.exit(7); });
  console.log("waiting", process.pid);
} else console.log(JSON.stringify({ args: process.argv.slice(2), channel: process.connected }));
if (command !== "wait") process.channel?.unref();
`;

interface Run {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

async function launch(
  { home, env }: { home: string; env: NodeJS.ProcessEnv },
  ...args: string[]
): Promise<Run> {
  const child = spawn(process.execPath, [join(home, "launch.js"), ...args], { env, cwd: root });
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "exit") as Promise<[number | null]>,
  ]);
  return { code, stdout, stderr };
}

async function firstLine(child: ChildProcess): Promise<string> {
  assert(child.stdout !== null);
  const [chunk] = (await once(child.stdout, "data")) as [Buffer];
  return chunk.toString().trim();
}

describe("a launch", () => {
  test("installs production packages once, says so on standard error, and runs atoll", async () => {
    const place = await checkout(NPM);
    const first = await launch(place, "space", "list");
    assert.equal(first.stdout, '{"args":["space","list"],"channel":true}\n');
    assert.match(first.stderr, /^atoll: installing packages \(first start\).*\n$/);
    const second = await launch(place, "space", "list");
    assert.equal(second.stderr, "");
    const log = await readFile(join(place.home, "npm.log"), "utf8");
    assert.match(log, /^ci --omit=dev [^\n]*\n$/);
  });

  test("adds packages to the tree when the lock file changes", async () => {
    const place = await checkout(NPM);
    await launch(place);
    await writeFile(join(place.home, "package-lock.json"), '{"changed":true}');
    await launch(place);
    const log = await readFile(join(place.home, "npm.log"), "utf8");
    assert.match(log, /^ci [^\n]*\ninstall --no-save --omit=dev [^\n]*\n$/);
  });

  test("by two at once installs once", async () => {
    const place = await checkout(NPM);
    const runs = await Promise.all([launch(place, "a"), launch(place, "b")]);
    assert.deepEqual(
      runs.map(({ code }) => code),
      [0, 0],
    );
    assert.equal((await readFile(join(place.home, "npm.log"), "utf8")).match(/\n/g)?.length, 1);
  });

  test("takes over from one that died while it installed", async () => {
    const place = await checkout(NPM);
    const dead = spawn(process.execPath, ["-e", ""]);
    await once(dead, "exit");
    await mkdir(join(place.home, ".install-lock"));
    const owner = { pid: dead.pid, host: hostname(), id: "dead" };
    await writeFile(join(place.home, ".install-lock/owner.json"), JSON.stringify(owner));
    assert.equal((await launch(place, "a")).code, 0);
  });

  test("shows what npm said when it fails, and exits 1", async () => {
    const place = await checkout("echo the registry is down >&2; exit 3");
    const { code, stdout, stderr } = await launch(place, "serve");
    assert.equal(code, 1);
    assert.equal(stdout, "");
    assert.match(stderr, /the registry is down\natoll: npm ci failed \(exit code 3\)/);
  });

  test("says that there is no npm", async () => {
    const place = await checkout(NPM);
    const env = { ...place.env, PATH: join(place.home, "empty") };
    const { code, stderr } = await launch({ ...place, env }, "serve");
    assert.equal(code, 1);
    assert.match(stderr, /there is no npm in PATH/);
  });

  test("exits with its child's code", async () => {
    assert.equal((await launch(await checkout(NPM), "exit", "2")).code, 2);
  });

  test("hands on a signal and waits for its child to finish", async () => {
    const { home, env } = await checkout(NPM);
    const child = spawn(process.execPath, [join(home, "launch.js"), "wait"], { env });
    await firstLine(child);
    child.kill("SIGTERM");
    assert.equal(await firstLine(child), "terminated");
    assert.deepEqual(await once(child, "exit"), [7, null]);
  });

  test("that is killed closes the channel, so that its child ends as well", async () => {
    const { home, env } = await checkout(NPM);
    const child = spawn(process.execPath, [join(home, "launch.js"), "wait"], { env });
    await firstLine(child);
    child.kill("SIGKILL");
    assert.equal(await firstLine(child), "channel closed");
  });
});

import assert from "node:assert/strict";
import { fork, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtempDisposable, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execPath, kill, platform } from "node:process";
import { describe, test } from "node:test";
import { manualClock } from "#clock.ts";
import { LOG_ROTATION_CHECK_INTERVAL_MS } from "#usage/limits.ts";
import { LogFile } from "#usage/log-file.ts";

const octets = (text: string): Uint8Array => Buffer.from(text, "latin1");

async function opened() {
  const folder = await mkdtempDisposable(join(tmpdir(), "atoll-log-"));
  const path = join(folder.path, "access.log");
  const clock = manualClock(0);
  const file = new LogFile(path, clock);
  return {
    path,
    folder: folder.path,
    clock,
    file,
    async [Symbol.asyncDispose]() {
      await file.close();
      await folder.remove();
    },
  };
}

describe("a log file", () => {
  test("is made, and appended to", async () => {
    await using log = await opened();
    await writeFile(log.path, "before\n");
    assert.deepEqual(await log.file.write(octets("one\n")), { written: 4 });
    await log.file.write(octets("two\n"));
    assert.equal(await readFile(log.path, "utf8"), "before\none\ntwo\n");
  });

  test("is nobody else's to read", async () => {
    await using log = await opened();
    await log.file.write(octets("one\n"));
    assert.equal((await stat(log.path)).mode & 0o007, 0);
  });

  for (const { what, move } of [
    { what: "renamed", move: (path: string) => rename(path, `${path}.1`) },
    { what: "removed", move: (path: string) => rm(path) },
    {
      what: "replaced",
      move: async (path: string) => {
        await rename(path, `${path}.1`);
        await writeFile(path, "");
      },
    },
  ]) {
    test(`is opened anew within a second of having been ${what}`, async () => {
      await using log = await opened();
      await log.file.write(octets("one\n"));
      await move(log.path);
      log.clock.advance(LOG_ROTATION_CHECK_INTERVAL_MS);
      assert.deepEqual(await log.file.write(octets("two\n")), { written: 4 });
      assert.equal(await readFile(log.path, "utf8"), "two\n");
      if (what !== "removed") assert.equal(await readFile(`${log.path}.1`, "utf8"), "one\n");
    });
  }

  test("is opened anew at once when asked to", async () => {
    await using log = await opened();
    await log.file.write(octets("one\n"));
    await rename(log.path, `${log.path}.1`);
    await log.file.write(octets("two\n"));
    log.file.reopen();
    await log.file.write(octets("three\n"));
    assert.equal(await readFile(`${log.path}.1`, "utf8"), "one\ntwo\n");
    assert.equal(await readFile(log.path, "utf8"), "three\n");
  });

  test("that cannot be opened is tried again a second later", async () => {
    await using log = await opened();
    const clock = manualClock(0);
    const path = join(log.folder, "missing", "access.log");
    const file = new LogFile(path, clock);
    const first = await file.write(octets("one\n"));
    assert.equal(first.written, 0);
    assert.match(String(first.failure), /ENOENT/);
    await writeFile(join(log.folder, "missing"), "");
    assert.match(String((await file.write(octets("two\n"))).failure), /ENOENT/);
    clock.advance(LOG_ROTATION_CHECK_INTERVAL_MS);
    assert.match(String((await file.write(octets("two\n"))).failure), /ENOTDIR/);
  });

  test("that is full fails, and nothing waits", { skip: !existsSync("/dev/full") }, async () => {
    const file = new LogFile("/dev/full", manualClock(0));
    const { written, failure } = await file.write(octets("one\n"));
    assert.equal(written, 0);
    assert.match(String(failure), /ENOSPC/);
    await file.close();
  });
});

const MODULE = new URL("../../../src/usage/log-file.ts", import.meta.url).href;
const LETTERS = ["a", "b", "c"];
const LINES_EACH = 5 * 820;

/** Writes many lines of its letter, some at a time. */
const WRITER = `
  const [, , module, path, letter] = process.argv;
  const { LogFile } = await import(module);
  const file = new LogFile(path, { now: () => 0 });
  const line = letter.repeat(997) + "\\n";
  for (let i = 0; i < 200; i += 1) await file.write(Buffer.from(line.repeat(1 + (i % 40))));
  await file.close();
`;

function assertWholeLines(text: string): void {
  const lines = text.trimEnd().split("\n");
  assert.equal(lines.length, LETTERS.length * LINES_EACH);
  assert(lines.every((line) => /^(?:a{997}|b{997}|c{997})$/.test(line)));
}

describe("several writers", () => {
  test("of one file leave whole lines", async () => {
    await using log = await opened();
    const script = join(log.folder, "writer.mjs");
    await writeFile(script, WRITER);
    const children = LETTERS.map((letter) => fork(script, [MODULE, log.path, letter]));
    const codes = await Promise.all(children.map((child) => once(child, "exit")));
    assert.deepEqual(codes.flat(), [0, null, 0, null, 0, null]);
    assertWholeLines(await readFile(log.path, "latin1"));
  });

  test("of one pipe leave whole lines", { skip: platform !== "linux" }, async () => {
    await using log = await opened();
    const script = join(log.folder, "writer.mjs");
    await writeFile(script, WRITER);
    const writers = LETTERS.map((letter) => `"${execPath}" ${script} "${MODULE}" - ${letter} &`);
    const command = `(${writers.join(" ")} wait) | cat`;
    const shell = spawn("sh", ["-c", command], { stdio: ["ignore", "pipe", "inherit"] });
    assertWholeLines((await shell.stdout.toArray()).join(""));
  });
});

/** Fills its standard output, gives up, and exits. */
const GIVES_UP = `
  const [, , module] = process.argv;
  const { LogFile } = await import(module);
  const file = new LogFile("-", { now: () => 0 });
  const write = file.write(Buffer.from("x\\n".repeat(500_000)));
  await new Promise((resolve) => setTimeout(resolve, 200));
  await file.close();
  const { written, failure } = await write;
  process.exitCode = written > 0 && failure !== undefined ? 7 : 8;
`;

describe("a pipe that nobody reads", () => {
  test("holds up neither the writer nor its exit", { skip: platform !== "linux" }, async () => {
    await using log = await opened();
    const script = join(log.folder, "gives-up.mjs");
    await writeFile(script, GIVES_UP);
    // Of a shell: what Node gives its children is no pipe, but a pair of sockets.
    const command = `("${execPath}" ${script} "${MODULE}"; echo $? >&2) | sleep 60`;
    const shell = spawn("sh", ["-c", command], {
      stdio: ["ignore", "ignore", "pipe"],
      detached: true,
    });
    const [said] = (await once(shell.stderr, "data")) as [Buffer];
    assert(shell.pid !== undefined);
    kill(-shell.pid, "SIGKILL");
    assert.equal(said.toString(), "7\n");
  });
});

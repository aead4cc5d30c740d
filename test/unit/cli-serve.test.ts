import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { text } from "node:stream/consumers";
import { after, describe, test } from "node:test";

const root = await mkdtemp(join(tmpdir(), "atoll-serve-"));
after(() => rm(root, { recursive: true }));
const program = join(import.meta.dirname, "../../src/cli/atoll.ts");

/** The real program, on ports that nobody has. */
async function start(env: NodeJS.ProcessEnv, stdio: "pipe" | "ipc" = "pipe") {
  const child = spawn(process.execPath, [program, "serve"], {
    env: {
      PATH: process.env["PATH"],
      ATOLL_DATA_DIR: await mkdtemp(join(root, "data-")),
      ATOLL_API_PORT: "0",
      ATOLL_API_TLS_PORT: "0",
      ATOLL_EDGE_PORT: "0",
      ATOLL_EDGE_TLS_PORT: "0",
      ATOLL_EDGE_WORKERS: "1",
      ATOLL_LOG_LEVEL: "silent",
      ...env,
    },
    stdio: ["ignore", "pipe", "pipe", ...(stdio === "ipc" ? (["ipc"] as const) : [])],
  });
  after(() => child.kill("SIGKILL"));
  return child;
}

async function ended(child: ChildProcess): Promise<{ code: number | null; stderr: string }> {
  assert(child.stderr !== null && child.stdout !== null);
  child.stdout.resume();
  const exit = once(child, "exit") as Promise<[number | null]>;
  const [stderr, [code]] = await Promise.all([text(child.stderr), exit]);
  return { code, stderr };
}

async function ready(child: ChildProcess): Promise<void> {
  assert(child.stdout !== null);
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  assert.match(line.toString(), /is ready/);
}

describe("atoll serve", () => {
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
    test(`stops on ${signal}, however often it comes, and exits 0`, async () => {
      const child = await start({});
      await ready(child);
      child.kill(signal);
      child.kill(signal);
      assert.deepEqual(await ended(child), { code: 0, stderr: "" });
    });
  }

  test("stops when its launcher is gone", async () => {
    const child = await start({}, "ipc");
    await ready(child);
    child.disconnect();
    assert.equal((await ended(child)).code, 0);
  });

  test("lists every mistake in its configuration, and exits 1", async () => {
    const { code, stderr } = await ended(
      await start({ ATOLL_API_PORT: "x", ATOLL_RATE_LIMITS: "maybe" }),
    );
    assert.equal(code, 1);
    const lines = stderr.trimEnd().split("\n");
    assert.equal(lines[0], "Cannot start:");
    assert.match(lines[1] ?? "", /^ {2}ATOLL_API_PORT: expected a port/);
    assert.match(lines[2] ?? "", /^ {2}ATOLL_RATE_LIMITS: expected on or off/);
    assert.equal(lines.length, 3);
  });

  test("refuses a taken port in one line, and exits 1", async () => {
    await using other = createServer();
    other.listen(0, "127.0.0.1");
    await once(other, "listening");
    const { port } = other.address() as AddressInfo;
    const { code, stderr } = await ended(await start({ ATOLL_API_PORT: String(port) }));
    assert.equal(code, 1);
    assert.match(stderr, new RegExp(`^atoll: [^\\n]*${port}[^\\n]*\\n$`));
  });
});

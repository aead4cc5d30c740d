import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";

const ROOT = join(import.meta.dirname, "..");

/**
 * The dependency rule, written once and run every time: folder → folders it may import. Files at
 * the root of src that know nothing of any concept (clock, log, problem, …) are everybody's.
 */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  // Concepts: the rules of the trade. They see each other's types only where listed here.
  api: [],
  account: ["api"],
  space: ["api", "feed", "http"],
  cdn: ["api", "space", "feed"],
  feed: ["usage"],
  edge: ["feed", "cdn", "http", "usage"],
  acme: ["http"],
  certificate: ["api", "acme"],
  http: [],
  usage: ["api"],
  oci: ["account", "api", "http"],
  registry: ["account", "api", "oci"],
  backup: ["api"],
  // Adapters: they implement the concepts' ports and never meet one another.
  sqlite: ["account", "acme", "cdn", "certificate", "oci", "registry", "space", "feed"],
  disk: ["oci", "space"],
  x509: ["acme", "certificate"],
  fleet: ["feed", "edge", "usage"],
  // Beside main.ts, the one that puts things together: a command for each noun.
  cli: ["backup"],
};
/** These put the concepts together: they may import every folder, and no folder but cli them. */
const COMPOSITION = [
  "main.ts",
  "certificates-start.ts",
  "challenges-start.ts",
  "key-rotate.ts",
  "platform-certificates.ts",
  "edge-alone.ts",
  "edge-disk.ts",
  "edge-start.ts",
  "edge-log.ts",
  "api-start.ts",
  "registry-api-start.ts",
  "webhook-post.ts",
  "registry-start.ts",
  "handover-start.ts",
  "routes.ts",
  "storage.ts",
  "edge-view.ts",
  "openapi.ts",
  // Checks values by the concepts' own rules.
  "config.ts",
  "environment.ts",
];

const sources = globSync("src/**/*.ts", { cwd: ROOT }).toSorted();
const tests = globSync("{test,bench}/**/*.ts", {
  cwd: ROOT,
  exclude: ["**/node_modules/**"],
}).toSorted();
const texts = new Map(
  [...sources, ...tests].map((file) => [file, readFileSync(join(ROOT, file), "utf8")]),
);

function textOf(file: string): string {
  return texts.get(file) ?? "";
}

/** Files whose text has it, but for those where it belongs. */
function filesWith(pattern: RegExp, files: readonly string[], but: readonly string[] = []) {
  return files.filter((file) => !but.includes(file) && pattern.test(textOf(file)));
}

/** `src/edge/serve.ts` → `edge`; a file at the root of src is in no folder. */
function folderOf(file: string): string | undefined {
  const [, folder, rest] = file.split("/");
  return rest === undefined ? undefined : folder;
}

/** What a file imports, statically or not. */
function importsOf(file: string): string[] {
  const specifiers = textOf(file).matchAll(/(?:\bfrom|\bimport\(?)\s*"([^"]+)"/g);
  return [...specifiers].map(([, specifier = ""]) => specifier);
}

describe("the folders of src", () => {
  test("import one another only as agreed", () => {
    const violations = sources.flatMap((file) => {
      const folder = folderOf(file);
      if (folder === undefined) return [];
      return importsOf(file)
        .map((specifier) => /^#([\w-]+)\//.exec(specifier)?.[1])
        .filter((target) => target !== undefined && target !== folder)
        .filter((target) => !(MAY_IMPORT[folder] ?? []).includes(target ?? ""))
        .map((target) => `${file} imports #${target}`);
    });
    assert.deepEqual(violations, []);
  });

  test("are all in the table, and nothing is in it that is not there", () => {
    const folders = new Set(sources.map(folderOf).filter((folder) => folder !== undefined));
    assert.deepEqual([...folders].toSorted(), Object.keys(MAY_IMPORT).toSorted());
  });

  test("need every import that the table allows", () => {
    const unused = Object.entries(MAY_IMPORT).flatMap(([folder, targets]) => {
      const own = sources.filter((file) => folderOf(file) === folder);
      const needed = new Set(
        own.flatMap(importsOf).map((specifier) => /^#([\w-]+)\//.exec(specifier)?.[1]),
      );
      return targets
        .filter((target) => !needed.has(target))
        .map((target) => `${folder} → ${target}`);
    });
    assert.deepEqual(unused, []);
  });

  test("reach across by #folder/file.ts, and within by a relative path", () => {
    const violations = sources.flatMap((file) => {
      const folder = folderOf(file);
      return importsOf(file)
        .filter((specifier) => {
          if (specifier.startsWith("#")) {
            return folder !== undefined && specifier.startsWith(`#${folder}/`);
          }
          if (!specifier.startsWith(".")) return false;
          const target = join(file, "..", specifier);
          return folderOf(target) !== folder || !target.startsWith("src/");
        })
        .map((specifier) => `${file} imports ${specifier}`);
    });
    assert.deepEqual(violations, []);
  });

  test("leave what puts them together to those who start it", () => {
    const roots = new Set(COMPOSITION.map((file) => `#${file}`));
    const importers = sources
      .filter((file) => folderOf(file) !== undefined && folderOf(file) !== "cli")
      .filter((file) => importsOf(file).some((specifier) => roots.has(specifier)));
    assert.deepEqual(importers, []);
  });

  test("are unknown to every other file beside them", () => {
    const violations = sources
      .filter((file) => folderOf(file) === undefined)
      .filter((file) => !COMPOSITION.includes(file.slice("src/".length)))
      .filter((file) => importsOf(file).some((specifier) => /^(?:#|\.\/)[\w-]+\//.test(specifier)));
    assert.deepEqual(violations, []);
  });
});

describe("every file", () => {
  const all = [...sources, ...tests];

  test("is a page: 300 lines at most", () => {
    const long = all.filter((file) => textOf(file).trimEnd().split("\n").length > 300);
    assert.deepEqual(long, [], "find the second concept");
  });

  test("exports by name, and only what is its own", () => {
    assert.deepEqual(filesWith(/^export default\b/m, all), []);
    assert.deepEqual(filesWith(/^export (?:type )?(?:\*|\{[^}]*\}) from\b/m, all), []);
  });

  test("leaves nothing for later without an issue", () => {
    // Split, or this file would find itself.
    assert.deepEqual(filesWith(new RegExp(["TO", "DO|FIX", "ME"].join("")), all), []);
  });

  test("names no place of the machine that it was written on", () => {
    const places = new RegExp(["/wo", "rk/|/ho", "me/\\w|/Us", "ers/\\w"].join(""));
    assert.deepEqual(filesWith(places, all), []);
    const shared = new RegExp(["\\.\\./sha", "red\\b"].join(""));
    assert.deepEqual(filesWith(shared, all), [], "only .ci/run may");
  });

  test("has no name that says nothing", () => {
    assert.deepEqual(
      all.filter((file) => /\/(?:utils?|helpers?|misc|common|index)(?:\.ts|\/)/.test(file)),
      [],
    );
  });
});

describe("what a program takes from the outside", () => {
  test("is the time, from clock.ts", () => {
    assert.deepEqual(filesWith(/\bDate\.now\(|\bnew Date\(\)/, sources, ["src/clock.ts"]), []);
  });

  test("is the environment, from the command that starts it", () => {
    assert.deepEqual(filesWith(/\bprocess\.env\b/, sources, ["src/cli/atoll.ts"]), []);
    assert.deepEqual(filesWith(/import \{[^}]*\benv\b[^}]*\} from "node:process"/, sources), []);
  });

  test("is every variable of environment.ts, and docs/operating.md tells of each", () => {
    const manual = readFileSync(join(ROOT, "docs/operating.md"), "utf8");
    const variables = new Set(textOf("src/environment.ts").match(/\bATOLL_[A-Z_]*[A-Z]\b/g));
    assert(variables.size > 10);
    const missing = [...variables].filter((name) => !manual.includes(name));
    assert.deepEqual(missing, []);
    const known = new Set([...variables, ...(manual.match(/\bATOLL_TEST_[A-Z_]+\b/g) ?? [])]);
    const invented = new Set(manual.match(/\bATOLL_[A-Z_]*[A-Z]\b/g));
    assert.deepEqual([...invented.difference(known)], []);
  });
});

import assert from "node:assert/strict";
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, writeSync } from "node:fs";
import { argv } from "node:process";
import { bodyAt, encodeEntry, headOf, keyOf, readLayout } from "#edge/disk/entry-format.ts";
import {
  entryName,
  entryPath,
  FOLDERS,
  isEntryFile,
  versionFolder,
} from "#edge/disk/entry-path.ts";

/**
 * `fill-folder.ts FOLDER OBJECTS`: in the folder of a disk tier there is one entry, whose path ends
 * with a 0. Writes it again under all other numbers, as its worker would have.
 */
const [, , folder = "", count = ""] = argv;

const root = versionFolder(folder);
const { key, head, body } = readOnly();
assert(key.endsWith("/0"));
for (const name of FOLDERS) mkdirSync(`${root}/${name}`, { recursive: true, mode: 0o700 });
const writtenAt = Date.now();
for (let i = 1; i < Number(count); i += 1) {
  const other = key.replace(/0$/, String(i));
  const file = openSync(entryPath(root, entryName(other)), "wx", 0o600);
  const octets = Buffer.concat(encodeEntry(other, head, [body], writtenAt));
  assert.equal(writeSync(file, octets), octets.length);
  closeSync(file);
}

function readOnly(): { readonly key: string; readonly head: Buffer; readonly body: Buffer } {
  const [path, ...others] = readdirSync(root).flatMap((name) =>
    readdirSync(`${root}/${name}`)
      .filter(isEntryFile)
      .map((file) => `${root}/${name}/${file}`),
  );
  assert(path !== undefined && others.length === 0);
  const file = readFileSync(path);
  const layout = readLayout(file, file.length);
  assert(typeof layout !== "string");
  return {
    key: keyOf(file, layout),
    head: headOf(file, layout),
    body: file.subarray(bodyAt(layout)),
  };
}

import type { EntryFiles, FileState, OpenedFile } from "./entry-files.ts";
import {
  bodyAt,
  type EntryFault,
  type EntryLayout,
  headOf,
  isBodyWhole,
  isStartWhole,
  keyOf,
  readLayout,
} from "./entry-format.ts";

/** An entry whose key and head were read and checked. Whoever has it closes its file. */
export interface OpenedEntry {
  readonly kind: "entry";
  readonly fd: number;
  readonly state: FileState;
  readonly layout: EntryLayout;
  readonly key: string;
  /** A view: its bytes are others when what it was read into is used again. */
  readonly head: Buffer;
  /** So is this, as much of the body as was read with the head. */
  readonly bodyBegin: Buffer;
}

export type Opening =
  | OpenedEntry
  | { readonly kind: "absent" }
  | { readonly kind: "corrupt"; readonly fault: EntryFault };

/** It has to be read in more than one piece. */
interface LargeFile {
  readonly kind: "large";
}

const TRUNCATED: Opening = { kind: "corrupt", fault: "truncated" };

/** Opens an entry and reads once: the whole file, if `scratch` has room for it. */
export async function openEntry(
  files: EntryFiles,
  path: string,
  scratch: Buffer,
): Promise<Opening> {
  const opened = await files.open(path);
  if (opened === undefined) return { kind: "absent" };
  let opening: Opening | undefined;
  try {
    opening = await readStart(files, opened, scratch);
    return opening;
  } finally {
    if (opening?.kind !== "entry") files.close(opened.fd);
  }
}

/** The same between two turns of the loop, of a file that `scratch` has room for. */
export function openEntryNow(
  files: EntryFiles,
  path: string,
  scratch: Buffer,
): Opening | LargeFile {
  const opened = files.openNow(path);
  if (opened === undefined) return { kind: "absent" };
  let opening: Opening | LargeFile | undefined;
  try {
    opening = readAllNow(files, opened, scratch);
    return opening;
  } finally {
    if (opening?.kind !== "entry") files.close(opened.fd);
  }
}

/** Reads the body of an opened entry into a buffer of its length. */
export async function readBody(
  files: EntryFiles,
  { fd, layout, bodyBegin }: OpenedEntry,
  body: Buffer,
): Promise<EntryFault | undefined> {
  const begun = bodyBegin.copy(body);
  if (!(await readWhole(files, fd, body.subarray(begun), bodyAt(layout) + begun))) {
    return "truncated";
  }
  return isBodyWhole(body, layout) ? undefined : "wrong checksum of the body";
}

async function readStart(files: EntryFiles, opened: OpenedFile, scratch: Buffer): Promise<Opening> {
  const { fd, state } = opened;
  const first = scratch.subarray(0, Math.min(state.size, scratch.length));
  if (!(await readWhole(files, fd, first, 0))) return TRUNCATED;
  const layout = readLayout(first, state.size);
  if (typeof layout === "string") return { kind: "corrupt", fault: layout };
  const startBytes = bodyAt(layout);
  if (first.length >= startBytes) return entryIn(opened, layout, first);
  const start = Buffer.allocUnsafeSlow(startBytes);
  const begun = first.copy(start);
  if (!(await readWhole(files, fd, start.subarray(begun), begun))) return TRUNCATED;
  return entryIn(opened, layout, start);
}

function readAllNow(files: EntryFiles, opened: OpenedFile, scratch: Buffer): Opening | LargeFile {
  const { fd, state } = opened;
  if (state.size > scratch.length) return { kind: "large" };
  const all = scratch.subarray(0, state.size);
  if (files.readNow(fd, all, 0) !== all.length) return TRUNCATED;
  const layout = readLayout(all, state.size);
  if (typeof layout === "string") return { kind: "corrupt", fault: layout };
  return entryIn(opened, layout, all);
}

/** What a file begins with, the whole start at least, as an entry's. */
function entryIn({ fd, state }: OpenedFile, layout: EntryLayout, first: Buffer): Opening {
  const startBytes = bodyAt(layout);
  const start = first.subarray(0, startBytes);
  if (!isStartWhole(start)) return { kind: "corrupt", fault: "wrong checksum of the head" };
  return {
    kind: "entry",
    fd,
    state,
    layout,
    key: keyOf(start, layout),
    head: headOf(start, layout),
    bodyBegin: first.subarray(startBytes),
  };
}

/** Whether the file had as many bytes as there is room for. */
async function readWhole(
  files: EntryFiles,
  fd: number,
  into: Buffer,
  position: number,
): Promise<boolean> {
  return into.length === 0 || (await files.read(fd, into, position)) === into.length;
}

import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { extract, type Header } from "tar-stream";
import { z } from "zod";
import { Problem } from "#problem.ts";
import {
  createTally,
  DATABASE,
  END_NAME,
  End,
  type EntryName,
  FORMAT_VERSION,
  MANIFEST_NAME,
  Manifest,
  parseEntryName,
  type Tally,
  TEXT_BYTES_MAX,
} from "./format.ts";

/** What a whole backup turned out to be. */
export interface BackupSummary {
  readonly manifest: Manifest;
  readonly end: End;
}

/** Takes the files as they come, and has read each to its end when its promise resolves. */
export type Receive = (name: EntryName, content: AsyncIterable<Uint8Array>) => Promise<void>;

/**
 * Reads a backup to its end and checks all of it.
 * @throws Problem("unprocessable_entity") when it is foreign, newer, damaged or cut short. What
 * has been received by then is worth nothing.
 */
export async function readBackup(
  input: Readable,
  receive: Receive,
  signal: AbortSignal,
): Promise<BackupSummary> {
  const archive = extract();
  const fed = pipeline(input, archive, { signal }).catch((error: unknown) => error);
  const reading: Reading = { tally: createTally(), seen: new Set() };
  try {
    for await (const entry of archive as AsyncIterable<Entry>) {
      await readEntry(reading, entry, receive);
    }
    const failure = await fed;
    if (failure !== undefined) throw failure;
  } catch (error) {
    archive.destroy();
    const feeding = await fed;
    signal.throwIfAborted();
    // A stream that was cut off says only that it was; why is what the feeding end knows.
    const isCutOff = (error as NodeJS.ErrnoException).code === "STREAM_DESTROYED";
    throw refusal(isCutOff ? feeding : error, reading);
  }
  const { manifest, end } = reading;
  if (manifest === undefined) throw notABackup();
  if (end === undefined) throw cutShort();
  return { manifest, end };
}

/** Reads all of a backup, and keeps nothing: the proof that it can be restored. */
export function verifyBackup(input: Readable, signal: AbortSignal): Promise<BackupSummary> {
  const drain: Receive = async (_, content) => {
    for await (const chunk of content) void chunk;
  };
  return readBackup(input, drain, signal);
}

/** As tar-stream hands them out; its types leave open what the chunks are. */
interface Entry extends AsyncIterable<Uint8Array> {
  readonly header: Header;
}

interface Reading {
  readonly tally: Tally;
  readonly seen: Set<string>;
  manifest?: Manifest;
  end?: End;
}

async function readEntry(reading: Reading, entry: Entry, receive: Receive): Promise<void> {
  const { name, type } = entry.header;
  if (reading.end !== undefined) throw damaged(`${show(name)} comes after its end`);
  // Links, devices and folders: the writer makes none, and a link could lead out of the folder.
  if (type !== "file") throw reading.manifest ? damaged(`${show(name)} is no file`) : notABackup();
  if (reading.manifest === undefined) {
    if (name !== MANIFEST_NAME) throw notABackup();
    reading.manifest = readManifest(await readText(counted(reading, entry), name));
    return;
  }
  if (name === END_NAME) {
    reading.end = checkEnd(reading, await readText(entry, name));
    return;
  }
  const known = parseEntryName(name);
  if (known === undefined) throw damaged(`${show(name)} is not part of one`);
  if (reading.seen.has(known)) throw damaged(`${show(name)} is there twice`);
  reading.seen.add(known);
  await receive(known, counted(reading, entry));
}

function counted({ tally }: Reading, entry: Entry): AsyncIterable<Uint8Array> {
  tally.entry(entry.header.name, entry.header.size);
  return (async function* () {
    for await (const chunk of entry) {
      tally.bytes(chunk);
      yield chunk;
    }
  })();
}

async function readText(content: AsyncIterable<Uint8Array>, name: string): Promise<string> {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of content) {
    sizeBytes += chunk.byteLength;
    if (sizeBytes > TEXT_BYTES_MAX) throw damaged(`${name} is too large`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function readManifest(text: string): Manifest {
  // Only these two say whether the rest can be understood.
  const Version = Manifest.pick({ format: true, format_version: true });
  const version = parseJson(Version, text);
  if (version === undefined) throw notABackup();
  if (version.format_version > FORMAT_VERSION) {
    throw new Problem(
      "unprocessable_entity",
      `This backup has format ${version.format_version}, made by a newer Atoll; this one reads up to ${FORMAT_VERSION}.`,
    );
  }
  const manifest = parseJson(Manifest, text);
  if (manifest === undefined) throw damaged(`${MANIFEST_NAME} is incomplete`);
  return manifest;
}

function checkEnd({ tally, seen }: Reading, text: string): End {
  const said = parseJson(End, text);
  const found = tally.end();
  if (said === undefined) throw damaged("its end entry is not one");
  if (said.entries !== found.entries || said.size_bytes !== found.size_bytes) {
    throw damaged(`it should have ${said.entries} entries and has ${found.entries}`);
  }
  if (said.sha256 !== found.sha256) throw damaged("its content has changed since it was made");
  if (!seen.has(DATABASE)) throw damaged("the database is missing");
  return said;
}

function parseJson<S extends z.ZodType>(schema: S, text: string): z.output<S> | undefined {
  const Text = z.string().transform((value, context) => {
    try {
      return JSON.parse(value) as unknown;
    } catch {
      context.addIssue("not JSON");
      return z.NEVER;
    }
  });
  return Text.pipe(schema).safeParse(text).data;
}

/** tar-stream's own errors have no code; the system's (a full disk) and our own say it best. */
function refusal(error: unknown, reading: Reading): unknown {
  if (error instanceof Problem || !(error instanceof Error)) return error;
  if (error.message === "Unexpected end of data")
    return reading.manifest ? cutShort() : notABackup();
  const { code } = error as NodeJS.ErrnoException;
  if (typeof code === "string") return error;
  return reading.manifest === undefined ? notABackup() : damaged(error.message);
}

function notABackup(): Problem {
  return new Problem("unprocessable_entity", "This is not a backup of Atoll.");
}

function cutShort(): Problem {
  return new Problem("unprocessable_entity", "The backup is cut short: its end is missing.");
}

function damaged(how: string): Problem {
  return new Problem("unprocessable_entity", `The backup is damaged: ${how}.`);
}

/** A name from a foreign archive may hold what a terminal would obey. */
function show(name: string): string {
  return JSON.stringify(name.slice(0, 200));
}

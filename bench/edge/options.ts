import { parseArgs } from "node:util";
import { CASES, type Case } from "./case.ts";

const USUAL = ["hits", "latency", "idle", "handshakes", "workers"] as const;
/** They take long, or fill disks and memory: only who asks for them gets them. */
const OTHERS = ["misses", "disk", "purge", "restart", "memory"] as const;
const MEASURES = [...USUAL, ...OTHERS];
export type Measure = (typeof MEASURES)[number];

export interface Options {
  readonly rounds: number;
  readonly seconds: number;
  readonly objects: number;
  /** Undefined: as many as the measure is meant to be taken with. */
  readonly stored: number | undefined;
  readonly only: readonly Measure[];
  readonly cases: readonly Case[];
  /** Names as `--peers` has them; undefined is all. */
  readonly peers: readonly string[] | undefined;
  readonly servers: readonly NamedCommand[];
  /** The one that the others are compared with; undefined is Atoll, or else the first that runs. */
  readonly subject: string | undefined;
}

/** `--server NAME=COMMAND`. */
export interface NamedCommand {
  readonly name: string;
  readonly command: string;
}

const ROUNDS_MAX = 100;
const SECONDS_MAX = 60;
/** h2load is given each path as an argument. */
const OBJECTS_MAX = 1_000;
/** 40 GiB of files. */
const STORED_MAX = 10_000_000;

export const HELP = `npm run bench:edge -- [OPTIONS]
  --rounds N      rounds of each case, the servers in turn (5)
  --seconds N     seconds of each measure (4)
  --objects N     objects of each size that are asked for in turn (1)
  --only LIST     of ${USUAL.join(", ")}; these are the usual ones. And of
                  misses   requests for what is not stored, of 1 and 10 KiB: fetched, stored, answered
                  disk     hits on 20,000 objects of 10 KiB and 200 of 1 MiB, at random, that are on
                           disk and in the page cache, and not in memory
                  purge    of everything, with 1,000,000 objects in memory: until it is in force
                  restart  with 1,000,000 objects on disk: from a process's start to its first hit
                  memory   that a stored object of 1 KiB takes beyond body and head, of 200,000
                  What they store goes where TMPDIR says, 16 GiB at most. Say TMPDIR=/dev/shm: for
                  minutes after many files were deleted, as each run does in the end, a new one on
                  ext4 takes ten times the CPU. npm run bench:cache is these five, and says so
  --stored N      objects for disk (of 10 KiB), purge, restart and memory, in place of theirs
  --cases LIST    cases whose names have one of these: ${CASES.map(({ name }) => name).join(", ")}
  --peers LIST    of atoll, nginx, haproxy, varnish, traffic-server
  --server NAME=COMMAND   one more server, such as an older checkout; repeatable. No shell: the
                  command is split at spaces, and {node} {origin} {port} {tlsPort} {cert} {key}
                  {workers} {folder} are filled in
  --subject NAME  the server that the others are compared with (Atoll)
`;

/** @throws Error that says which option is wrong. */
export function readOptions(args: readonly string[]): Options | "help" {
  const { values } = parseArgs({
    args: [...args],
    options: {
      help: { type: "boolean" },
      rounds: { type: "string", default: "5" },
      seconds: { type: "string", default: "4" },
      objects: { type: "string", default: "1" },
      stored: { type: "string" },
      only: { type: "string", default: USUAL.join(",") },
      cases: { type: "string", default: "" },
      peers: { type: "string" },
      server: { type: "string", multiple: true, default: [] },
      subject: { type: "string" },
    },
  });
  if (values.help === true) return "help";
  return {
    rounds: count("--rounds", values.rounds, ROUNDS_MAX),
    seconds: count("--seconds", values.seconds, SECONDS_MAX),
    objects: count("--objects", values.objects, OBJECTS_MAX),
    stored: values.stored === undefined ? undefined : count("--stored", values.stored, STORED_MAX),
    only: list(values.only).map(measure),
    cases: casesNamed(values.cases),
    peers: values.peers === undefined ? undefined : list(values.peers),
    servers: values.server.map(namedCommand),
    subject: values.subject,
  };
}

function list(text: string): string[] {
  return text.split(",").filter((part) => part !== "");
}

function count(option: string, text: string, most: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= most) return value;
  throw new Error(`${option} is a number from 1 to ${most}, not ${text}`);
}

function measure(name: string): Measure {
  const known = MEASURES.find((each) => each === name);
  if (known !== undefined) return known;
  throw new Error(`--only knows ${MEASURES.join(", ")}, not ${name}`);
}

function casesNamed(text: string): readonly Case[] {
  const parts = list(text);
  if (parts.length === 0) return CASES;
  const named = CASES.filter(({ name }) => parts.some((part) => name.includes(part)));
  if (named.length > 0) return named;
  throw new Error(`--cases knows ${CASES.map(({ name }) => name).join(", ")}, none is ${text}`);
}

function namedCommand(text: string): NamedCommand {
  const [, name, command] = /^([^=]+)=(.+)$/.exec(text) ?? [];
  if (name !== undefined && command !== undefined) return { name, command };
  throw new Error(`--server is NAME=COMMAND, not ${text}`);
}

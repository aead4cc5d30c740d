import { hash } from "node:crypto";
import { octetsOf } from "../../support/octets.ts";
import type { Random } from "../random.ts";

/** For how long an object is fresh, and what becomes of it then. */
export type Life = "lasting" | "brief" | "refreshed" | "strict" | "silent" | "passing";

/** What an object can be confirmed by. */
type Proof = "strong" | "weak" | "date" | "none";

/** One state of an object: from when until when a store had it. */
export interface Version {
  readonly number: number;
  /** Undefined: it was not there. */
  readonly length: number | undefined;
  readonly since: number;
  until: number;
}

/** Something in the store, and all that it has ever been. */
export interface SoakObject {
  readonly path: string;
  readonly folder: string;
  readonly life: Life;
  readonly proof: Proof;
  readonly isChunked: boolean;
  readonly tag: string;
  readonly lengthMax: number;
  /** The oldest first. */
  readonly versions: Version[];
}

const LIVES: readonly [Life, ...Life[]] = [
  "lasting",
  "lasting",
  "silent",
  "refreshed",
  "brief",
  "strict",
  "passing",
];
const PROOFS: readonly [Proof, ...Proof[]] = ["strong", "strong", "strong", "weak", "date", "none"];
const KIB = 1024;
/** How many there are of each size: more in all than memory and disk hold together. */
const SIZES = [
  { count: 90, lengthMax: 16 * KIB },
  { count: 90, lengthMax: 700 * KIB },
  { count: 24, lengthMax: 6_000 * KIB },
];
const FOLDERS = 5;
const TAGS = 7;
const ABSENT_SHARE = 12;

const CACHE_CONTROL: Readonly<Record<Life, string | undefined>> = {
  lasting: "max-age=86400",
  brief: "max-age=1",
  refreshed: "max-age=1, stale-while-revalidate=3",
  strict: "max-age=1, must-revalidate",
  silent: undefined,
  passing: "no-store",
};

/** For how long something may be served after it has changed, unless it is purged: in milliseconds. */
export const REUSED_FOR_MS: Readonly<Record<Life, number>> = {
  lasting: 86_400_000,
  brief: 1_000,
  refreshed: 4_000,
  strict: 1_000,
  // The TTL of the endpoint.
  silent: 60_000,
  passing: 0,
};

/** What a store has, and had. */
export class Catalogue {
  readonly objects: readonly SoakObject[];
  readonly #byPath: ReadonlyMap<string, SoakObject>;

  constructor(random: Random) {
    this.objects = SIZES.flatMap(({ count, lengthMax }) =>
      Array.from({ length: count }, (_, i) => newObject(random, `${lengthMax}-${i}`, lengthMax)),
    );
    this.#byPath = new Map(this.objects.map((object) => [object.path, object]));
  }

  /** Also what is asked for only once. */
  find(path: string): SoakObject | undefined {
    return this.#byPath.get(path) ?? (path.startsWith("/once/") ? onceObject(path) : undefined);
  }
}

function newObject(random: Random, name: string, lengthMax: number): SoakObject {
  const folder = `d${random.below(FOLDERS)}`;
  const object: SoakObject = {
    path: `/${folder}/${name}.bin`,
    folder,
    life: random.pick(LIVES),
    proof: random.pick(PROOFS),
    isChunked: random.below(6) === 0,
    tag: `t${random.below(TAGS)}`,
    lengthMax,
    versions: [],
  };
  object.versions.push(version(1, lengthOf(object, 1), Number.NEGATIVE_INFINITY));
  return object;
}

/** `/once/7-10240`: it never changes. */
export function onceObject(path: string): SoakObject {
  const length = Number(/-(\d+)$/.exec(path)?.[1]);
  return {
    path,
    folder: "once",
    life: "lasting",
    proof: "strong",
    isChunked: false,
    tag: "once",
    lengthMax: length,
    versions: [version(1, length, Number.NEGATIVE_INFINITY)],
  };
}

/** The store has something else from now on: other octets, or nothing. */
export function change(object: SoakObject, random: Random, now: number): void {
  const before = currentOf(object);
  before.until = now;
  const number = before.number + 1;
  const isAbsent = random.below(ABSENT_SHARE) === 0;
  object.versions.push(version(number, isAbsent ? undefined : lengthOf(object, number), now));
}

export function currentOf({ versions, path }: SoakObject): Version {
  const current = versions.at(-1);
  if (current === undefined) throw new Error(`${path} has no version`);
  return current;
}

export function octetsIn(object: SoakObject, number: number, first: number, end: number): Buffer {
  return octetsOf(`${object.path} ${number}`, first, end);
}

/** What a store says of a version beside its length. */
export function fieldsOf({ life, proof, tag }: SoakObject, number: number): Record<string, string> {
  const fields: Record<string, string> = { "x-version": String(number), "cache-tag": `all ${tag}` };
  const cacheControl = CACHE_CONTROL[life];
  if (cacheControl !== undefined) fields["cache-control"] = cacheControl;
  if (proof === "strong") fields["etag"] = `"${number}"`;
  if (proof === "weak") fields["etag"] = `W/"${number}"`;
  if (proof === "date") fields["last-modified"] = dateOf(number);
  return fields;
}

/** Each version has a date of its own, long past: dates have whole seconds. */
export function dateOf(number: number): string {
  return new Date(Date.UTC(2020, 0, 1) + number * 60_000).toUTCString();
}

function version(number: number, length: number | undefined, since: number): Version {
  return { number, length, since, until: Number.POSITIVE_INFINITY };
}

function lengthOf({ path, lengthMax }: SoakObject, number: number): number {
  const share = hash("sha256", `${path} ${number}`, "buffer").readUInt32BE(0) / 2 ** 32;
  return Math.floor(lengthMax * (0.3 + 0.7 * share));
}

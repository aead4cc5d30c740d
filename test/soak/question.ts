import { contentOf, noise, sha256 } from "./content.ts";
import type { Random } from "./random.ts";
import type { Excuse } from "./tally.ts";

/** What a client asks for, and what it has to get. */
export interface Question {
  readonly method: "GET" | "HEAD" | "POST";
  readonly path: string;
  readonly fields: Readonly<Record<string, string>>;
  readonly body: Buffer | undefined;
  /** What is wrong with an answer that came to its end, if anything. */
  readonly faultOf: (answer: Answer) => string | undefined;
  /** Why an answer may have broken off of which no more is known than this. Absent: it may not. */
  readonly excuseFor?: (head: Omit<Answer, "body"> | undefined) => Excuse | undefined;
}

interface Expected {
  readonly status: number;
  /** As the head has it, if it does. */
  readonly length: number;
  readonly bodyLength: number;
  readonly sha256: string;
  readonly etag: string | undefined;
}

/** An answer that came to its end. */
export interface Answer {
  readonly status: number;
  readonly fields: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

const NOTHING = Buffer.alloc(0);
/** Names of things that no other client of this run asks for. */
let unique = 0;

/** The mix that clients ask for: mostly hits, and some of all the rest. */
export function anyQuestion(random: Random): Question {
  const chance = random.below(100);
  if (chance < 45) return get(hitPath(random));
  if (chance < 55) return get(`/check/${random.below(20)}-${random.below(3) * 20_000 + 100}`);
  if (chance < 67) return get(uniquePath(random.between(1_000, 100_000)));
  if (chance < 75) return get(`/pass/${random.below(1_000)}-${random.between(0, 300_000)}`);
  if (chance < 80) return head(hitPath(random));
  if (chance < 85) return unmodified(hitPath(random));
  if (chance < 90) return part(hitPath(random), random);
  return post(random, random.pick([0, 1, 1_000, 70_000, 400_000]));
}

/** Something that is stored after the first time. */
export function hitPath(random: Random): string {
  const id = random.below(60);
  return `/hit/${id}-${id === 0 ? 1_048_576 : 200 + id * 611}`;
}

/** More than the kernel holds for a reader who has stopped. */
export const LARGE_BYTES = 6 * 1024 * 1024;

/** Large things: one that is stored and shared, one that is passed to each who asks. */
export function largePath(random: Random): string {
  return `/${random.pick(["hit", "pass"])}/large-${LARGE_BYTES}`;
}

/** Something that nobody has asked for before, which takes the place of something else. */
function uniquePath(length: number): string {
  unique += 1;
  return `/once/${unique}-${length}`;
}

export function get(path: string): Question {
  return asking("GET", path, expectedOf(path));
}

/** Sends octets, which come back. */
export function post(random: Random, length: number): Question {
  const body = noise(random.below(1_000_000), length);
  const expected = { status: 200, ...contentExpected(body), etag: undefined };
  return { ...asking("POST", "/echo", expected), body };
}

function head(path: string): Question {
  const whole = expectedOf(path);
  const { length } = whole;
  return asking("HEAD", path, { ...whole, ...contentExpected(NOTHING), length });
}

function unmodified(path: string): Question {
  const whole = expectedOf(path);
  const expected = { ...whole, ...contentExpected(NOTHING), status: 304 };
  const { etag = "" } = whole;
  return { ...asking("GET", path, expected), fields: { "if-none-match": etag } };
}

function part(path: string, random: Random): Question {
  const { bytes } = contentOf(path);
  const first = random.below(bytes.length);
  const last = random.between(first, bytes.length - 1);
  const content = contentExpected(bytes.subarray(first, last + 1));
  const expected = { ...expectedOf(path), status: 206, ...content };
  return { ...asking("GET", path, expected), fields: { range: `bytes=${first}-${last}` } };
}

function asking(method: Question["method"], path: string, expected: Expected): Question {
  const faultOf = (answer: Answer) => difference(expected, answer);
  return { method, path, fields: {}, body: undefined, faultOf };
}

function expectedOf(path: string): Expected {
  const { bytes, etag } = contentOf(path);
  return { status: 200, ...contentExpected(bytes), etag };
}

function contentExpected(bytes: Buffer): Pick<Expected, "length" | "bodyLength" | "sha256"> {
  return { length: bytes.length, bodyLength: bytes.length, sha256: sha256(bytes) };
}

function difference(expected: Expected, { status, fields, body }: Answer): string | undefined {
  if (status !== expected.status) return `status ${status}, not ${expected.status}`;
  const length = fields["content-length"];
  if (status !== 304 && length !== undefined && Number(length) !== expected.length) {
    return `content-length ${String(length)}, not ${expected.length}`;
  }
  if (expected.etag !== undefined && fields["etag"] !== expected.etag) {
    return `etag ${String(fields["etag"])}, not ${expected.etag}`;
  }
  if (body.length !== expected.bodyLength) {
    return `${body.length} octets, not ${expected.bodyLength}`;
  }
  return sha256(body) === expected.sha256 ? undefined : "octets of something else";
}

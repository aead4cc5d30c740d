import { type Random, randomFrom } from "../../test/soak/random.ts";

/** Requests for objects, which are known by numbers, and how large each of these is. */
export interface Trace {
  readonly name: string;
  readonly requests: Uint32Array;
  readonly bytes: Uint32Array;
}

const REQUESTS = 400_000;
const OBJECTS = 100_000;
/** Larger bodies are kept in slices of this size. */
const BYTES_MAX = 1024 * 1024;
const BYTES_MIN = 128;
const BYTES_MEDIAN = 8 * 1024;
/** Of the logarithms of sizes: with it, the mean is 26 KiB. */
const SIGMA = 1.6;

/** All traces, the same for the same seed. */
export function traces(seed: number): Trace[] {
  return [
    ...[0.8, 1, 1.2].map((exponent) => {
      const random = randomFrom(seed);
      const popular = zipf(OBJECTS, exponent, random);
      return trace(`zipf ${exponent}`, () => popular());
    }),
    crawls(seed),
    trace("loop over 50,000", (i) => i % 50_000),
    shifting(seed),
    oneHitWonders(seed),
  ];
}

/** Two fifths of the time a crawler asks for what nobody else does, one object after another. */
function crawls(seed: number): Trace {
  const random = randomFrom(seed);
  const popular = zipf(OBJECTS, 1, random);
  let crawled = OBJECTS;
  return trace("zipf 1, and crawls", (i) => {
    if (i % 100_000 < 60_000) return popular();
    crawled += 1;
    return crawled;
  });
}

/** Every tenth of the time other objects are the popular ones. */
function shifting(seed: number): Trace {
  const random = randomFrom(seed);
  const popular = zipf(OBJECTS, 1, random);
  const phase = REQUESTS / 10;
  return trace("zipf 1, shifting", (i) => (popular() + 2_000 * Math.floor(i / phase)) % OBJECTS);
}

/** As CDNs see it: of all objects that are asked for at all, most are asked for once. */
function oneHitWonders(seed: number): Trace {
  const random = randomFrom(seed);
  const popular = zipf(OBJECTS, 0.9, random);
  let asked = OBJECTS;
  return trace("zipf 0.9, and one-hit wonders", () => {
    if (uniform(random) >= 0.15) return popular();
    asked += 1;
    return asked;
  });
}

/** The share of the objects asked for that are asked for once. */
export function oneHitShare({ requests, bytes }: Trace): number {
  const counts = new Uint32Array(bytes.length);
  for (const object of requests) counts[object] = (counts[object] ?? 0) + 1;
  const asked = counts.filter((count) => count > 0);
  return asked.filter((count) => count === 1).length / asked.length;
}

/** What all the objects take that are asked for. */
export function footprintBytes({ requests, bytes }: Trace): number {
  let sum = 0;
  for (const object of new Set(requests)) sum += bytes[object] ?? 0;
  return sum;
}

function trace(name: string, objectOf: (i: number) => number): Trace {
  const requests = Uint32Array.from({ length: REQUESTS }, (_, i) => objectOf(i));
  const objects = requests.reduce((most, object) => Math.max(most, object), 0) + 1;
  // An object is as large in one trace as it is in another.
  const random = randomFrom(1);
  return { name, requests, bytes: Uint32Array.from({ length: objects }, () => sizeBytes(random)) };
}

/** Log-normal, by Box and Muller. */
function sizeBytes(random: Random): number {
  const radius = Math.sqrt(-2 * Math.log(1 - uniform(random)));
  const normal = radius * Math.cos(2 * Math.PI * uniform(random));
  const bytes = Math.round(BYTES_MEDIAN * Math.exp(SIGMA * normal));
  return Math.min(Math.max(bytes, BYTES_MIN), BYTES_MAX);
}

/** Objects by rank, the first the most popular. */
function zipf(objects: number, exponent: number, random: Random): () => number {
  let sum = 0;
  const cumulated = Float64Array.from({ length: objects }, (_, rank) => {
    sum += 1 / (rank + 1) ** exponent;
    return sum;
  });
  return () => firstAbove(cumulated, uniform(random) * sum);
}

function firstAbove(sorted: Float64Array, value: number): number {
  let low = 0;
  let high = sorted.length - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] ?? 0) > value) high = middle;
    else low = middle + 1;
  }
  return low;
}

function uniform(random: Random): number {
  return random.below(2 ** 32) / 2 ** 32;
}

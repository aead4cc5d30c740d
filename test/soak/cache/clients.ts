import { setTimeout as delay } from "node:timers/promises";
import { ask, askAndReset, SLOW_READER, type Soak } from "../client.ts";
import type { Target } from "../connections.ts";
import { http1Line } from "../http1-line.ts";
import { http2Line } from "../http2-line.ts";
import type { Line } from "../line.ts";
import type { Question } from "../question.ts";
import { type Random, randomFrom } from "../random.ts";
import type { Catalogue, SoakObject } from "./catalogue.ts";
import type { Oracle } from "./oracle.ts";
import { anyQuestion, onceQuestion, questionOf } from "./questions.ts";

/** Where the edge is, and whose content is asked for. */
interface CachePlace {
  readonly url: string;
  readonly tlsUrl: string;
  readonly ca: string;
  readonly host: string;
}

interface Parts {
  readonly soak: Soak;
  readonly place: CachePlace;
  readonly catalogue: Catalogue;
  readonly oracle: Oracle;
  readonly seed: number;
}

const CONNECTIONS = 4;
const STREAMS = 3;
const SLOW_READERS = 3;
const LARGE_BYTES = 1024 * 1024;

/** Asks until the signal aborts, and what was begun has come to its end. */
export async function runClients({ soak, place, catalogue, oracle, seed }: Parts): Promise<void> {
  const running: Promise<void>[] = [];
  const lines: Line[] = [];
  const newLine = (protocol: Target["protocol"]): Line => {
    const url = protocol === "h2" ? place.tlsUrl : place.url;
    const target = { url, protocol, ca: place.ca, host: place.host };
    const line = (protocol === "h2" ? http2Line : http1Line)(soak.connections, target);
    lines.push(line);
    return line;
  };
  const run = (pauseMsMax: number, step: (random: Random) => Promise<void>): void => {
    const random = randomFrom(seed + running.length * 7_919);
    running.push(
      repeat(
        soak.signal,
        () => step(random),
        () => random.below(pauseMsMax),
      ),
    );
  };
  const any = (random: Random): Question => {
    if (random.below(12) === 0) return onceQuestion(oracle, random);
    return anyQuestion(pickFrom(catalogue.objects, random), oracle, random);
  };
  const large = catalogue.objects.filter(({ lengthMax }) => lengthMax > LARGE_BYTES);

  const readers = [
    ...Array.from({ length: CONNECTIONS }, () => ({
      name: "HTTP/1.1",
      line: newLine("http/1.1"),
    })),
    // One line for all of them: they are streams of one connection.
    // oxlint-disable-next-line unicorn/no-array-fill-with-reference-type
    ...Array<{ name: string; line: Line }>(STREAMS).fill({
      name: "HTTP/2 over TLS",
      line: newLine("h2"),
    }),
  ];
  for (const reader of readers) {
    run(30, async (random) => {
      await ask({ ...soak, ...reader, random }, any(random));
      if (random.below(60) === 0) reader.line.renew();
    });
  }
  for (let i = 0; i < SLOW_READERS; i += 1) {
    const protocol = i === 0 ? "h2" : "http/1.1";
    const reader = { ...soak, name: `slow reader, ${protocol}`, line: newLine(protocol) };
    run(1_000, async (random) => {
      const object = pickFrom(large, random);
      const question = questionOf(object, random.pick(["get", "part"]), oracle, random);
      await ask({ ...reader, random }, question, SLOW_READER);
      reader.line.renew();
    });
  }
  for (const protocol of ["http/1.1", "h2"] as const) {
    const leaver = { ...soak, name: `leaver, ${protocol}`, line: newLine(protocol) };
    run(300, async (random) => {
      await askAndReset({ ...leaver, random }, any(random));
      // Whoever resets one request is served the next.
      await ask({ ...leaver, random }, any(random));
    });
  }
  await Promise.all(running);
  for (const line of lines) line.renew();
}

/** Some are asked for much more than others: a few of them all the time. */
function pickFrom(objects: readonly SoakObject[], random: Random): SoakObject {
  const share = random.below(1_000) / 1_000;
  const object = objects[Math.floor(objects.length * share ** 3)];
  if (object === undefined) throw new Error("There are no objects");
  return object;
}

async function repeat(
  signal: AbortSignal,
  step: () => Promise<void>,
  pauseMs: () => number,
): Promise<void> {
  while (!signal.aborted) {
    await step();
    await delay(pauseMs());
  }
}

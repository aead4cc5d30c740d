import { setTimeout as delay } from "node:timers/promises";
import { ask, askAndReset, SLOW_READER, SLOW_SENDER, type Soak } from "./client.ts";
import type { Target } from "./connections.ts";
import { http1Line } from "./http1-line.ts";
import { http2Line } from "./http2-line.ts";
import type { Line } from "./line.ts";
import { anyQuestion, get, largePath, post } from "./question.ts";
import { type Random, randomFrom } from "./random.ts";
import { halfClosed, pipelined, rude, stalled, trickled } from "./raw.ts";

/** Where the edge is. */
export interface Place {
  readonly url: string;
  readonly tlsUrl: string;
  readonly ca: string;
}

/** A protocol that is spoken, where, and how many clients ask on each of its connections. */
interface Way {
  readonly name: string;
  readonly target: Target;
  readonly connections: number;
  readonly clientsOfEach: number;
}

function waysTo({ url, tlsUrl, ca }: Place): readonly Way[] {
  const http1 = { ca, protocol: "http/1.1" } as const;
  const http2 = { ca, protocol: "h2" } as const;
  return [
    { name: "HTTP/1.1", target: { url, ...http1 }, connections: 3, clientsOfEach: 1 },
    {
      name: "HTTP/1.1 over TLS",
      target: { url: tlsUrl, ...http1 },
      connections: 3,
      clientsOfEach: 1,
    },
    {
      name: "HTTP/2 over TLS",
      target: { url: tlsUrl, ...http2 },
      connections: 2,
      clientsOfEach: 3,
    },
    { name: "HTTP/2 in the clear", target: { url, ...http2 }, connections: 1, clientsOfEach: 3 },
  ];
}

/** Runs every client until the signal aborts and what they have begun has come to its end. */
export async function runLoad(soak: Soak, place: Place, seed: number): Promise<void> {
  let clients = 0;
  const running: Promise<void>[] = [];
  const lines: Line[] = [];
  // Each client has numbers of its own: what it asks does not depend on what others do meanwhile.
  const run: Run = (step, pauseMsMax) => {
    clients += 1;
    const random = randomFrom(seed + clients * 7_919);
    running.push(
      repeat(
        soak.signal,
        () => step(random),
        () => random.below(pauseMsMax),
      ),
    );
  };
  for (const way of waysTo(place)) {
    const newLine = (): Line => {
      const { connections } = soak;
      const { target } = way;
      const isHttp2 = target.protocol === "h2";
      const line = isHttp2 ? http2Line(connections, target) : http1Line(connections, target);
      lines.push(line);
      return line;
    };
    for (let i = 0; i < way.connections; i += 1) runConnection({ soak, way, newLine, run });
    runDifficult({ soak, way, newLine, run });
  }
  runRaw(soak, place, run);
  await Promise.all(running);
  for (const line of lines) line.renew();
}

type Run = (step: (random: Random) => Promise<void>, pauseMsMax: number) => void;

interface WayParts {
  readonly soak: Soak;
  readonly way: Way;
  readonly newLine: () => Line;
  readonly run: Run;
}

/** Clients that share one connection, which is made anew now and then. */
function runConnection({ soak, way, newLine, run }: WayParts): void {
  const line = newLine();
  for (let i = 0; i < way.clientsOfEach; i += 1) {
    run(async (random) => {
      await ask({ ...soak, name: way.name, line, random }, anyQuestion(random));
      if (random.below(60) === 0) line.renew();
    }, 50);
  }
}

/** A slow reader, a slow sender, and one who breaks off what it asks for. */
function runDifficult({ soak, way, newLine, run }: WayParts): void {
  const reader = { ...soak, name: `slow reader, ${way.name}`, line: newLine() };
  run(async (random) => {
    await ask({ ...reader, random }, get(largePath(random)), SLOW_READER);
    reader.line.renew();
  }, 1_500);
  const sender = { ...soak, name: `slow sender, ${way.name}`, line: newLine() };
  run((random) => {
    return ask({ ...sender, random }, post(random, random.between(1, 120_000)), SLOW_SENDER);
  }, 500);
  const resetter = { ...soak, name: `resetter, ${way.name}`, line: newLine() };
  run(async (random) => {
    const large = random.below(2) === 0 ? largePath(random) : `/pass/${random.below(9)}-300001`;
    const question = random.below(3) === 0 ? post(random, 200_000) : get(large);
    await askAndReset({ ...resetter, random }, question);
    // Whoever resets one request is served the next.
    await ask({ ...resetter, random }, anyQuestion(random));
  }, 500);
}

function runRaw(soak: Soak, { url, tlsUrl }: Place, run: Run): void {
  const port = Number(new URL(url).port);
  const tlsPort = Number(new URL(tlsUrl).port);
  run((random) => pipelined({ ...soak, port, random }), 200);
  run((random) => trickled({ ...soak, port, random }), 200);
  run((random) => halfClosed({ ...soak, port, random }), 200);
  run((random) => stalled({ ...soak, port, random }), 1_000);
  run((random) => rude({ ...soak, port, random }), 200);
  run((random) => rude({ ...soak, port: tlsPort, random }), 200);
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

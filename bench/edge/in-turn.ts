import { attempt, type Bench, say } from "./bench.ts";
import type { Protocol } from "./case.ts";
import { noiseMeter } from "./noise.ts";
import type { Server } from "./server.ts";

export interface Turns<Seen> {
  readonly what: string;
  /** Those that do not speak the protocol have no turns. */
  readonly servers: readonly Server[];
  readonly protocol: Protocol;
  /** Nor have those whose warm-up fails. */
  warmUp(server: Server): Promise<void>;
  measure(server: Server): Promise<Seen>;
  /** Keeps what was seen, and returns it for who watches. */
  record(seen: Seen, turn: Turn): string;
}

interface Turn {
  readonly server: string;
  readonly round: number;
  /** What others took meanwhile, in percent of a core. */
  readonly noisePercent: number;
}

/** With more than this a turn is taken again. */
const NOISE_PERCENT_MAX = 5;
const TRIES_MAX = 3;

/** Measures servers in turn, round after round, so that a noisy minute is everybody's. */
export async function inTurn<Seen>(bench: Bench, turns: Turns<Seen>): Promise<void> {
  const { what, protocol } = turns;
  const warmed: Server[] = [];
  for (const server of turns.servers.filter(({ protocols }) => protocols.has(protocol))) {
    const warm = await attempt(bench, `${what}: ${server.name}`, async () => {
      await turns.warmUp(server);
      return true;
    });
    if (warm === true) warmed.push(server);
  }
  for (let round = 0; round < bench.options.rounds; round += 1) {
    for (const server of rotated(warmed, round)) {
      const turn = `${what}: ${round + 1}: ${server.name}`;
      const quiet = await attempt(bench, turn, () => quietest(() => turns.measure(server)));
      if (quiet === undefined) continue;
      const { seen, noisePercent } = quiet;
      const line = turns.record(seen, { server: server.name, round, noisePercent });
      say(`${turn}: ${line}${noise(noisePercent)}`);
    }
  }
}

/** Each begins a round in turn, so that none is always the first after another. */
function rotated<T>(all: readonly T[], round: number): T[] {
  const first = round % Math.max(1, all.length);
  return [...all.slice(first), ...all.slice(0, first)];
}

interface Quiet<Seen> {
  readonly seen: Seen;
  readonly noisePercent: number;
}

/** The first measure that nobody disturbed, or else the least disturbed of a few. */
async function quietest<Seen>(measure: () => Promise<Seen>): Promise<Quiet<Seen>> {
  let best: Quiet<Seen> | undefined;
  let failure: unknown;
  for (let tries = 0; tries < TRIES_MAX; tries += 1) {
    const noiseSoFar = noiseMeter();
    try {
      const seen = await measure();
      const noisePercent = noiseSoFar();
      if (best === undefined || noisePercent < best.noisePercent) best = { seen, noisePercent };
    } catch (error) {
      failure = error; // A server without its core may fail, too.
    }
    if (noiseSoFar() <= NOISE_PERCENT_MAX) break;
  }
  if (best === undefined) throw failure;
  return best;
}

function noise(percent: number): string {
  return percent > NOISE_PERCENT_MAX ? ` (others took ${percent.toFixed(0)} % of a core)` : "";
}

import { hash } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { Random } from "../random.ts";

/** What an origin does when it does not do what it should. */
export type Trouble = "refuses" | "errs" | "cuts" | "hangs" | "lies" | "crawls";

export const TROUBLES: readonly [Trouble, ...Trouble[]] = [
  "refuses",
  "errs",
  "cuts",
  "hangs",
  "lies",
  "crawls",
];

/** A time of trouble, for some paths or for all. */
interface Spell {
  readonly trouble: Trouble;
  readonly salt: string | undefined;
  readonly from: number;
  until: number;
}

const CALM_MS_MIN = 2_000;
const CALM_MS_MAX = 6_000;
const TROUBLE_MS_MIN = 1_000;
const TROUBLE_MS_MAX = 3_500;
/** An origin that was down is looked at again within 0.8 s, and its failures are remembered for one. */
const AFTERMATH_MS = 2_000;

/** What the origin is like, and was. */
export class Weather {
  readonly #spells: Spell[] = [];
  /** Resolves when the spell that there is now is over. */
  #over = Promise.withResolvers<void>();

  /** How often each trouble was there. */
  get counts(): ReadonlyMap<Trouble, number> {
    const counts = new Map<Trouble, number>();
    for (const { trouble } of this.#spells) counts.set(trouble, (counts.get(trouble) ?? 0) + 1);
    return counts;
  }

  get over(): Promise<void> {
    return this.#over.promise;
  }

  /** What there is for this path now, if anything. */
  troubleFor(path: string): Trouble | undefined {
    const spell = this.#spells.at(-1);
    const isNow = spell !== undefined && performance.now() < spell.until;
    return isNow && touches(spell, path) ? spell.trouble : undefined;
  }

  /** Whether a fetch may have failed for this path in that time, or because of it. */
  mayHaveFailed(path: string, from: number, to: number): boolean {
    const failing = TROUBLES.filter((trouble) => trouble !== "crawls");
    return failing.some((trouble) => this.mayHaveBeen(trouble, path, from, to));
  }

  /** Whether it was so for this path in that time, or just before. */
  mayHaveBeen(trouble: Trouble, path: string, from: number, to: number): boolean {
    return this.#spells.some((spell) => {
      const isIt = spell.trouble === trouble && touches(spell, path);
      return isIt && spell.from <= to && spell.until + AFTERMATH_MS >= from;
    });
  }

  /** One spell after another, until the signal aborts; ends in calm. */
  async run(
    random: Random,
    signal: AbortSignal,
    origin: { goDown(): Promise<void>; comeBack(): Promise<void> },
  ): Promise<void> {
    for (let i = 0; !signal.aborted; i += 1) {
      await passing(random.between(CALM_MS_MIN, CALM_MS_MAX), signal);
      if (signal.aborted) return;
      // Each once before any comes again by chance.
      const trouble = TROUBLES[i] ?? random.pick(TROUBLES);
      const isForAll = trouble === "refuses" || random.below(3) === 0;
      const salt = isForAll ? undefined : String(random.below(1_000_000));
      const from = performance.now();
      this.#over = Promise.withResolvers<void>();
      const spell: Spell = { trouble, salt, from, until: Number.POSITIVE_INFINITY };
      this.#spells.push(spell);
      if (trouble === "refuses") await origin.goDown();
      await passing(random.between(TROUBLE_MS_MIN, TROUBLE_MS_MAX), signal);
      if (trouble === "refuses") await origin.comeBack();
      spell.until = performance.now();
      this.#over.resolve();
    }
  }
}

/** Half of all paths, each time others. */
function touches({ salt }: Spell, path: string): boolean {
  return salt === undefined || hash("sha256", salt + path, "buffer").readUInt8(0) % 2 === 0;
}

async function passing(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => undefined);
}

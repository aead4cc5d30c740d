/** How many fetches of one origin may be under way, and how long others wait for their turn. */
export interface SlotLimits {
  readonly fetchingMax: number;
  /** Under way and waiting. */
  readonly fetchesMax: number;
  readonly waitMs: number;
}

/** What came of asking for a slot. A granted one has to be given back. */
export type SlotAnswer = "granted" | "full" | "late" | "aborted";

/** The fetches of each origin: first come, first served, and nobody waits for long. */
export class FetchSlots {
  readonly #limits: SlotLimits;
  readonly #origins = new Map<string, { fetching: number; readonly waiting: Set<() => void> }>();

  constructor(limits: SlotLimits) {
    this.#limits = limits;
  }

  /** Takes a slot at once or in a while, or says why there will be none. */
  take(origin: string, signal: AbortSignal): SlotAnswer | Promise<SlotAnswer> {
    if (signal.aborted) return "aborted";
    const { fetchingMax, fetchesMax } = this.#limits;
    let slots = this.#origins.get(origin);
    if (slots === undefined) {
      slots = { fetching: 0, waiting: new Set() };
      this.#origins.set(origin, slots);
    }
    if (slots.fetching < fetchingMax) {
      slots.fetching += 1;
      return "granted";
    }
    if (slots.fetching + slots.waiting.size >= fetchesMax) return "full";
    return this.#wait(slots.waiting, signal);
  }

  /** The one who has waited longest is next. */
  giveBack(origin: string): void {
    const slots = this.#origins.get(origin);
    if (slots === undefined) return;
    const [next] = slots.waiting;
    if (next !== undefined) {
      next();
      return;
    }
    slots.fetching -= 1;
    if (slots.fetching === 0) this.#origins.delete(origin);
  }

  async #wait(waiting: Set<() => void>, signal: AbortSignal): Promise<SlotAnswer> {
    const { promise, resolve } = Promise.withResolvers<SlotAnswer>();
    const granted = (): void => settle("granted");
    const aborted = (): void => settle("aborted");
    const late = setTimeout(() => settle("late"), this.#limits.waitMs);
    const settle = (answer: SlotAnswer): void => {
      clearTimeout(late);
      waiting.delete(granted);
      signal.removeEventListener("abort", aborted);
      resolve(answer);
    };
    waiting.add(granted);
    signal.addEventListener("abort", aborted);
    return await promise;
  }
}

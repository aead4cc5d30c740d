/** Time is a dependency like any other. Only the composition roots and tests build one. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
}

export const systemClock: Clock = { now: () => Date.now() };

/** For intervals: nobody sets it back. Its zero is the start of the process. */
export const monotonicClock: Clock = { now: () => performance.now() };

/** A clock that moves when told to, and never otherwise. */
export function manualClock(start: number): Clock & { advance(ms: number): void } {
  let now = start;
  return {
    now: () => now,
    advance: (ms) => {
      now += ms;
    },
  };
}

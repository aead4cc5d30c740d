/** The longest that a place stays empty: an edge that comes back late is better than a busy loop. */
const DELAY_MS_MAX = 5_000;

/** The first death is replaced at once; each further one in a row doubles the wait. */
export function restartDelayMs(deathsInARow: number): number {
  return deathsInARow <= 1 ? 0 : Math.min(DELAY_MS_MAX, 50 * 2 ** (deathsInARow - 1));
}

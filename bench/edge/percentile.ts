/** The value that a share of them does not exceed. */
export function percentile(values: Float64Array, share: number): number {
  const sorted = values.toSorted();
  return sorted[Math.floor((sorted.length - 1) * share)] ?? Number.NaN;
}

/** CONTRACT §1: RFC 3339 in UTC, to the second. @param ms since the epoch */
export function timeText(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

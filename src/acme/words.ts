/**
 * What others wrote, fit for a line of a log, a terminal and a row: without control characters, and
 * no longer than that.
 */
export function plainWords(text: string, lengthMax: number): string {
  // Cut first: what is made of a long text is long as well.
  const short = text.length > lengthMax ? `${text.slice(0, lengthMax - 1)}…` : text;
  return short.toWellFormed().replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, " ");
}

import { parseHttpDate } from "#http/http-date.ts";

/**
 * A date that a lifetime or an age is told by. RFC 9111 §4.2: dates are case-sensitive, but caches
 * should take them in any case. A zone other than GMT is no date.
 */
export function cacheDate(text: string | undefined, now: number): number | undefined {
  if (text === undefined) return undefined;
  return parseHttpDate(text, now) ?? parseHttpDate(text.replace(/[a-z]+/gi, usualCase), now);
}

function usualCase(word: string): string {
  const upper = word.toUpperCase();
  return upper === "GMT" ? upper : upper.slice(0, 1) + word.slice(1).toLowerCase();
}

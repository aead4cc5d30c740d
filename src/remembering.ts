import { flatText } from "./flat-text.ts";

/** How many results are kept; past it all are forgotten. */
const TEXTS_MAX = 64;

/** A longer text is hardly the same twice. */
const TEXT_CHARACTERS_MAX = 200;

/**
 * A function of a text of one octet a character that keeps what it made lately: what servers say of
 * themselves is mostly what they have said before. Nobody may change what it answers.
 */
export function remembering<T>(make: (text: string) => T): (text: string) => T {
  const made = new Map<string, T>();
  return (text) => {
    const known = made.get(text);
    if (known !== undefined) return known;
    const fresh = make(text);
    if (text.length > TEXT_CHARACTERS_MAX) return fresh;
    if (made.size >= TEXTS_MAX) made.clear();
    // A slice would keep alive what it was cut from.
    made.set(flatText(text), fresh);
    return fresh;
  };
}

import { type InnerList, type Item, parseDictionary, Token } from "structured-headers";

/** A directive's argument as text; one that needs none is `true`. */
type Argument = string | true;

/** Directive names in lower case, with the arguments of all that were sent, in order. */
export type Directives = ReadonlyMap<string, readonly Argument[]>;

/** Stands for an argument of the wrong type: no rule accepts it. */
const WRONG_TYPE = "\0";

/** RFC 9111 §5.2: those whose argument is delta-seconds. */
const SECONDS: ReadonlySet<string> = new Set([
  "max-age",
  "s-maxage",
  "stale-if-error",
  "stale-while-revalidate",
]);

/**
 * Cache-Control (RFC 9111 §5.2), with arguments as tokens or quoted strings, whichever form a
 * directive is defined with. What is malformed is kept as text that no rule accepts.
 */
export function parseCacheControl(value: string): Directives {
  const directives = new Map<string, Argument[]>();
  const members = /([!#$%&'*+\-.^`|~\w]+)(?:=(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*)))?([^,]*)/g;
  for (const [, name = "", quoted, token, rest = ""] of value.matchAll(members)) {
    const text = quoted?.replace(/\\(.)/g, "$1") ?? token;
    add(directives, name.toLowerCase(), rest.trim() === "" ? (text ?? true) : WRONG_TYPE);
  }
  return directives;
}

/**
 * A targeted field (RFC 9213 §2.1): a Dictionary whose parameters say nothing. `undefined` for one
 * that is empty or does not parse: it is to be ignored, as if it were not there.
 */
export function parseTargeted(value: string): Directives | undefined {
  try {
    const members = parseDictionary(value);
    const directives = new Map<string, Argument[]>();
    for (const [name, member] of members) {
      const argument = argumentOf(name, member, value);
      if (argument !== undefined) add(directives, name, argument);
    }
    return members.size === 0 ? undefined : directives;
  } catch {
    return undefined;
  }
}

function add(directives: Map<string, Argument[]>, name: string, argument: Argument): void {
  const known = directives.get(name);
  if (known === undefined) directives.set(name, [argument]);
  else known.push(argument);
}

/**
 * RFC 9213 §2.1: no value is true, a quoted-string is a String, and a token is a Token or a number;
 * values of other types are not to be consumed. False says that the directive is not there.
 */
function argumentOf(name: string, member: Item | InnerList, field: string): Argument | undefined {
  const [value] = member;
  if (value === true) return true;
  if (value === false) return undefined;
  if (SECONDS.has(name)) return isInteger(name, value, field) ? String(value) : WRONG_TYPE;
  if (typeof value === "string") return value;
  return value instanceof Token ? value.toString() : WRONG_TYPE;
}

/** `60.0` is a Decimal, which the parser gives as the number that an Integer would be. */
function isInteger(name: string, value: unknown, field: string): boolean {
  if (!Number.isSafeInteger(value)) return false;
  const withoutStrings = field.replace(/"(?:[^"\\]|\\.)*"/g, '""');
  // RFC 8941 §3.2: of equal keys the last one counts.
  const sent = withoutStrings.split(",").findLast((member) => member.trim().startsWith(`${name}=`));
  return sent !== undefined && !sent.includes(".");
}

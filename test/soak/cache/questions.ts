import type { Answer, Question } from "../question.ts";
import type { Random } from "../random.ts";
import type { Excuse } from "../tally.ts";
import {
  currentOf,
  dateOf,
  octetsIn,
  onceObject,
  type SoakObject,
  type Version,
} from "./catalogue.ts";
import type { Asked, Oracle } from "./oracle.ts";
import { partFault, type Wanted } from "./parts.ts";

const SLICE_BYTES = 1024 * 1024;

/** What can be asked of an object. */
export type Way =
  | "get"
  | "head"
  | "part"
  | "end"
  | "open part"
  | "parts"
  | "beyond"
  | "if-none-match"
  | "if-modified-since"
  | "if-range"
  | "presigned";

const WAYS: readonly [Way, ...Way[]] = [
  "get",
  ...Array.from({ length: 9 }, (): Way => "get"),
  "head",
  "part",
  "part",
  "end",
  "open part",
  "parts",
  "beyond",
  "if-none-match",
  "if-none-match",
  "if-modified-since",
  "if-range",
  "presigned",
];

/** Asks of an object in one of all ways; what is right is for the oracle to say. */
export function anyQuestion(object: SoakObject, oracle: Oracle, random: Random): Question {
  return questionOf(object, random.pick(WAYS), oracle, random);
}

/** Asks for something that nobody has asked for before, which takes the place of something else. */
export function onceQuestion(oracle: Oracle, random: Random): Question {
  once += 1;
  const object = onceObject(`/once/${once}-${random.below(400_000)}`);
  return questionOf(object, "get", oracle, random);
}

let once = 0;

export function questionOf(object: SoakObject, way: Way, oracle: Oracle, random: Random): Question {
  const isPresigned = way === "presigned";
  const asked: Asked = { object, startedAt: performance.now(), isPresigned };
  const { fields, wanted, known } = termsOf(object, way, random);
  const method = way === "head" ? "HEAD" : "GET";
  return {
    method,
    path: isPresigned ? `${object.path}?X-Amz-Signature=soak` : object.path,
    fields,
    body: undefined,
    faultOf: (answer) => faultOf({ asked, method, wanted, known, oracle }, answer),
    excuseFor: (head) => excuseFor(asked, head, oracle),
  };
}

interface Terms {
  readonly fields: Readonly<Record<string, string>>;
  /** Parts of the octets, of any version. Absent: all of it. */
  readonly wanted?: Wanted;
  /** The version that the client has. */
  readonly known?: Version;
}

function termsOf(object: SoakObject, way: Way, random: Random): Terms {
  const { lengthMax, versions } = object;
  const first = random.below(Math.ceil(lengthMax * 0.4));
  const last = random.between(first, lengthMax);
  // oxlint-disable-next-line typescript/switch-exhaustiveness-check
  switch (way) {
    case "part":
      return ranged([{ first, last }]);
    case "end":
      return ranged([{ suffix: random.between(1, lengthMax) }]);
    case "open part":
      return ranged([{ first, last: undefined }]);
    case "parts": {
      // Apart enough to be sent one by one, and in the shortest version too.
      const step = Math.floor(lengthMax / 20);
      return ranged([
        { first: 0, last: random.below(step) },
        { first: 2 * step, last: 2 * step + random.below(step) },
        { first: 4 * step, last: 4 * step + random.below(step) },
        { suffix: random.between(1, step) },
      ]);
    }
    case "beyond":
      return ranged([{ first: 2 * lengthMax, last: undefined }]);
    case "if-none-match":
    case "if-modified-since":
    case "if-range": {
      const known = versions.at(-1 - random.below(Math.min(3, versions.length)));
      return known === undefined
        ? { fields: {} }
        : conditional(object, way, known, { first, last });
    }
    default:
      return { fields: {} };
  }
}

function ranged(wanted: Wanted): Terms {
  const specs = wanted.map((part) =>
    "suffix" in part ? `-${part.suffix}` : `${part.first}-${part.last ?? ""}`,
  );
  return { fields: { range: `bytes=${specs.join(",")}` }, wanted };
}

function conditional(
  { proof }: SoakObject,
  way: Way,
  known: Version,
  part: { readonly first: number; readonly last: number },
): Terms {
  const tag = proof === "weak" ? `W/"${known.number}"` : `"${known.number}"`;
  if (way === "if-none-match") return { fields: { "if-none-match": tag }, known };
  if (way === "if-modified-since") {
    return { fields: { "if-modified-since": dateOf(known.number) }, known };
  }
  // RFC 9110 §13.1.5: a weak tag would never match.
  const terms = ranged([part]);
  return { ...terms, fields: { ...terms.fields, "if-range": `"${known.number}"` }, known };
}

/** What was asked, in all that an answer is judged by. */
interface Judged {
  readonly asked: Asked;
  readonly method: "GET" | "HEAD";
  readonly wanted: Wanted | undefined;
  readonly known: Version | undefined;
  readonly oracle: Oracle;
}

/** What is wrong with an answer that came to its end, if anything. */
function faultOf(judged: Judged, answer: Answer): string | undefined {
  const { asked, oracle } = judged;
  const { status, fields } = answer;
  if (status >= 500) {
    if (oracle.mayFail(asked, answer)) return undefined;
    return `status ${status} while the origin was well: ${String(fields["cache-status"])} ${text(answer)}`;
  }
  const version = versionIn(asked, answer, oracle);
  if (version === undefined)
    return `status ${status}, of no version that ever was: ${text(answer)}`;
  return contentFault(judged, version, answer) ?? oracle.faultOf(version, asked, answer);
}

function contentFault(
  { asked, method, wanted, known, oracle }: Judged,
  { number, length }: Version,
  answer: Answer,
): string | undefined {
  const { status, fields, body } = answer;
  if (length === undefined) return status === 404 ? undefined : `status ${status} of nothing`;
  const { object } = asked;
  const octets = (first: number, end: number) => octetsIn(object, number, first, end);
  const lengths = oracle.lengthsOf(length, asked);
  if (status === 304) {
    // RFC 9110 §13.1.3: also of what is older than the date.
    const isKnown =
      object.proof === "date" ? number <= Number(known?.number) : number === known?.number;
    if (!isKnown) return `304 for ${known?.number}, and it is ${number}`;
    return body.length === 0 ? undefined : "304 with content";
  }
  if (status === 206 || status === 416) {
    if (wanted === undefined) return `status ${status}, and no part was asked for`;
    // RFC 9110 §13.1.5: of what the client has, known by a strong tag, or not at all.
    const isOther = known !== undefined && (known.number !== number || object.proof !== "strong");
    if (isOther) return `a part of version ${number}, and ${known.number} is known`;
    return partFault(answer, wanted, { lengths, octets });
  }
  if (status !== 200) return `status ${status}`;
  // How long it is may not be known before it is there.
  const mayBeWhole = known !== undefined || object.isChunked || lengths.length > 1;
  if (wanted?.length === 1 && !mayBeWhole) return "not just the part";
  const told = fields["content-length"];
  if (told !== undefined && !lengths.includes(Number(told)))
    return `content-length ${String(told)}`;
  if (method === "HEAD") return body.length === 0 ? undefined : "HEAD with content";
  if (body.length !== length) return `${body.length} octets of ${length}`;
  return body.equals(octets(0, length)) ? undefined : "other octets";
}

/** The version that an answer says it is of. */
function versionIn(asked: Asked, { status, fields }: Answer, oracle: Oracle): Version | undefined {
  const { versions } = asked.object;
  const said = fields["x-version"] ?? /^(?:W\/)?"(\d+)"$/.exec(String(fields["etag"]))?.[1];
  if (said !== undefined) return versions.find(({ number }) => number === Number(said));
  // Dates are a version's own.
  const date = fields["last-modified"];
  if (date !== undefined) return versions.find(({ number }) => dateOf(number) === date);
  const length = /^bytes \*\/(\d+)$/.exec(String(fields["content-range"]))?.[1];
  if (status !== 416) return undefined;
  return versions.findLast((one) => {
    return one.length !== undefined && oracle.lengthsOf(one.length, asked).includes(Number(length));
  });
}

/** Why an answer may have been cut. */
function excuseFor(
  asked: Asked,
  head: Omit<Answer, "body"> | undefined,
  oracle: Oracle,
): Excuse | undefined {
  const cut = oracle.cutBy(asked);
  if (cut !== undefined) return cut;
  const { object } = asked;
  const said = Number(head?.fields["x-version"] ?? currentOf(object).number);
  const isSliced = object.lengthMax > SLICE_BYTES && object.proof !== "none";
  return isSliced && said !== currentOf(object).number ? "object changed" : undefined;
}

function text({ body }: Answer): string {
  return JSON.stringify(body.toString("latin1", 0, 100));
}

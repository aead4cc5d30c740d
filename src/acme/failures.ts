import { AcmeError, type AcmeProblem } from "./acme.ts";
import { DETAIL_LENGTH_MAX } from "./limits.ts";
import { parseProblem, wordsOf } from "./problem-document.ts";
import { decideRefusal, type Step } from "./refusal.ts";
import { plainWords } from "./words.ts";

/** What the CA said no with. */
export interface RefusedReply {
  readonly status: number;
  readonly body: string;
  readonly retryAt: number | undefined;
  readonly step: Step;
}

/** RFC 8555 §6.7: in the CA's words where it has some. */
export function refused(url: URL, { status, body, retryAt, step }: RefusedReply): AcmeError {
  const later = retryAt === undefined ? {} : { retryAt };
  const problem = problemIn(body);
  if (problem === undefined) {
    // Not the CA's word, but of something before it: a proxy, a page for maintenance.
    const message = `${url.host} answered ${status} without saying why`;
    return new AcmeError(message, { permanent: false, ...later });
  }
  const { permanent } = decideRefusal(problem, step);
  return new AcmeError(wordsOf(problem), { problem, permanent, ...later });
}

function problemIn(body: string): AcmeProblem | undefined {
  const document = parseJson(body);
  const problem = parseProblem(document);
  return problem?.type === "about:blank" && problem.detail === "" ? undefined : problem;
}

/** `undefined` for what is not JSON: no document of a CA is. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // The caller says what was expected.
  }
}

/** No answer: the way there, or somebody's settings. */
export function cannotReach(url: string, why: unknown): AcmeError {
  const host = URL.parse(url)?.host ?? "the CA";
  const message = plainWords(`Cannot reach ${host}: ${reasonOf(why)}`, DETAIL_LENGTH_MAX);
  return new AcmeError(message, { permanent: false, cause: why });
}

/** An answer that is cut off before it fills the memory. */
export function tooMuch(url: URL, bytesMax: number): AcmeError {
  return new AcmeError(`${url.host} sent more than ${bytesMax} bytes`, { permanent: false });
}

/** An answer that is not what RFC 8555 says it is. */
export function notAsExpected(what: string, why: string): AcmeError {
  const message = plainWords(`The CA's ${what} cannot be used: ${why}`, DETAIL_LENGTH_MAX);
  return new AcmeError(message, { permanent: false });
}

/** What the settings ask for and this CA does not have. */
export function notOffered(message: string): AcmeError {
  return new AcmeError(plainWords(message, DETAIL_LENGTH_MAX), { permanent: true });
}

/** Whether the CA has refused with this type of RFC 8555 §6.7, named without its prefix. */
export function isOfType(error: unknown, type: string): error is AcmeError {
  return error instanceof AcmeError && error.problem?.type === `urn:ietf:params:acme:error:${type}`;
}

/** fetch hides it two levels down; a host with several addresses has a reason for each. */
function reasonOf(why: unknown): string {
  if (!(why instanceof Error)) return String(why);
  if (why instanceof AggregateError && why.errors.length > 0) {
    return why.errors.map(reasonOf).join(", ");
  }
  return why.cause instanceof Error ? reasonOf(why.cause) : why.message || why.name;
}

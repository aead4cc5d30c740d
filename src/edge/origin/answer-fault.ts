import { fieldOf } from "../fields.ts";
import { judgePart } from "./range-fault.ts";

/** An answer of an origin, as far as it tells whether it is one to what was asked. */
interface Answer {
  readonly status: number;
  /** As they came, names in lower case. */
  readonly fields: readonly string[];
  /** The fields that the origin was sent, names and values alternating. */
  readonly asked: readonly string[];
  /** A proxy passes what it does not know; of a Space's store it would be a mistake. */
  readonly statusMax: 599 | 999;
}

/** Whether an answer can be what it says it is, and if not, why, for the person who sees it. */
export type AnswerVerdict =
  | {
      readonly kind: "sound";
      /** Of the part that a 206 says it is: what its framing need not tell. */
      readonly partBytes?: number;
    }
  | { readonly kind: "fault"; readonly reason: string };

const SOUND: AnswerVerdict = { kind: "sound" };

/** By the status, and by what was asked. */
export function judgeAnswer({ status, fields, asked, statusMax }: Answer): AnswerVerdict {
  // RFC 9110 §15: what is not understood by its first digit means nothing.
  if (status < 100 || status > statusMax) {
    return fault("The origin answered with a status that does not exist.");
  }
  if (status === 304) return judgeNotModified(asked);
  return status === 206 ? judgePartial(fields, asked) : SOUND;
}

/** RFC 9110 §15.4.5, §13.1: only these two conditions lead to a 304. */
function judgeNotModified(asked: readonly string[]): AnswerVerdict {
  const isConditional =
    fieldOf(asked, "if-none-match") !== undefined ||
    fieldOf(asked, "if-modified-since") !== undefined;
  return isConditional ? SOUND : fault("The origin answered 304 to a request without a condition.");
}

/** RFC 9110 §15.3.7: a part would be taken for the whole, or for another one. */
function judgePartial(fields: readonly string[], asked: readonly string[]): AnswerVerdict {
  const range = fieldOf(asked, "range");
  if (range === undefined) return fault("The origin answered 206 to a request without a range.");
  const part = judgePart(range, fields);
  if (part.kind === "several") return SOUND;
  return part.kind === "part" ? { kind: "sound", partBytes: part.bytes } : part;
}

function fault(reason: string): AnswerVerdict {
  return { kind: "fault", reason };
}

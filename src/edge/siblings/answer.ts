import type { BodyLength } from "../cache/storage-decision.ts";
import type { Outcome } from "../cache-status.ts";
import type { OriginFailure } from "../origin/origin.ts";

/** What the owner of a key says of an answer of its own beside what the origin said. */
export interface FromSibling {
  /** How it came by it: from what it has stored, or from the origin. */
  readonly outcome: Outcome;
  /** Of a body that it keeps in slices: on disk they are everybody's. */
  readonly generation?: string | undefined;
  readonly softPurged: boolean;
  /** It was served because the origin had failed. */
  readonly failedAt?: number | undefined;
}

/** The head of an answer to a fetch: it travels as one line of JSON; the body follows it. */
export type Answer =
  | {
      readonly kind: "response";
      readonly status: number;
      /** As the origin sent them, without what is for one connection; with the Age that it gave. */
      readonly fields: readonly string[];
      readonly length: BodyLength;
      /** By the clock of the host, which all its workers have. */
      readonly requestTime: number;
      readonly responseTime: number;
      /** Absent: the origin's own answer, for the asker alone. */
      readonly sibling?: FromSibling | undefined;
    }
  | Omit<OriginFailure, "cause">;

export function encodeAnswer(answer: Answer): string {
  return JSON.stringify(answer);
}

/** Of who has shown that it is a sibling; undefined: it could not answer. */
export function decodeAnswer(text: string | undefined): Answer | undefined {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as Answer;
  } catch {
    return undefined;
  }
}

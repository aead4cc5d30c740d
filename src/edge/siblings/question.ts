import type { RequestHead } from "../request.ts";

/** What one worker asks another for. It travels as one line of JSON in a request's head. */
export type Question = FetchQuestion | ForgetQuestion;

/** A fill's fetch, or a range of what is read: for the owner of the key, instead of the origin. */
export interface FetchQuestion {
  readonly kind: "fetch";
  /** Of the asker's feed: with what was purged up to here nothing may be answered. */
  readonly number: number;
  readonly endpointId: string;
  readonly requestId: string;
  /** As the key has it, and the origin is sent it. */
  readonly target: string;
  readonly host: string;
  readonly version: RequestHead["version"];
  /** Who asks, as an origin is told. */
  readonly client: { readonly address: string; readonly isTls: boolean };
  /** Of the client's own fields those that go on to an origin: names and values, alternating. */
  readonly fields: readonly string[];
  /** Conditions and range of the fetch. */
  readonly asks: readonly string[];
  /** What is not stored is not fetched. */
  readonly onlyStored: boolean;
}

/** An unsafe method has succeeded: what has this primary key is not what the origin would answer. */
interface ForgetQuestion {
  readonly kind: "forget";
  readonly key: string;
}

/** One octet a character, as all that came by HTTP is; nothing in it needs a line of its own. */
export function encodeQuestion(question: Question): string {
  return JSON.stringify(question);
}

/** Of who has shown that it is a sibling: its shape is what this program wrote. */
export function decodeQuestion(text: string): Question | undefined {
  try {
    return JSON.parse(text) as Question;
  } catch {
    return undefined;
  }
}

import type { Readable, Writable } from "node:stream";
import type { Answer, Question } from "./question.ts";
import type { Excuse } from "./tally.ts";

/** The head of an answer, and its content as it comes. */
export interface AnswerHead extends Omit<Answer, "body"> {
  readonly content: Readable;
}

/** A request that is under way. */
export interface Begun {
  /** Takes the content of the request and its end, if it has any. */
  readonly upload: Writable;
  readonly head: Promise<AnswerHead>;
  /** Resolves once all is said, to be called when the content has been read. @throws if it was cut */
  whole(): Promise<void>;
  /** Breaks the request off: a stream, or its connection. */
  reset(): void;
  /** Why it may break. */
  excuse(): Excuse | undefined;
  /** Of the connection that it goes by. */
  tell(): string;
}

/** A connection of a client, made when it is needed, and again when it is gone. */
export interface Line {
  begin(question: Question): Begun;
  /** Ends the connection in good order; the next request makes another. */
  renew(): void;
}

import type { Answer, Question } from "./question.ts";

/** What is kept of failures: more of them say no more. */
const FAILURES_SHOWN = 20;

/** Why a request may have no answer: our own doing, or that of the origin. */
export type Excuse =
  | "worker killed"
  | "reset by the client"
  | "origin failed"
  /** What is missing of an object cannot be had any more. */
  | "object changed";

/** What is known of how a request broke. */
export interface Breaking {
  readonly excuse: Excuse | undefined;
  /** Of its connection. */
  tell(): string;
}

/** What became of every request. */
export class Tally {
  /** Answers that were what they had to be, by who asked. */
  readonly whole = new Map<string, number>();
  /** The same by `x-cache`. */
  readonly caches = new Map<string, number>();
  readonly excused = new Map<Excuse, number>();
  /** Answers that came to their end and were not what they had to be. */
  readonly wrong: string[] = [];
  /** Requests that broke, and nobody here had broken them. */
  readonly broken: string[] = [];
  #begun = 0;
  #wrongCount = 0;
  #brokenCount = 0;

  readonly #clients = new Set<string>();
  readonly #pending = new Set<string>();

  /** All who have asked anything. */
  get clients(): readonly string[] {
    return [...this.#clients];
  }

  /** Requests that have neither been answered nor broken. */
  get pending(): readonly string[] {
    return [...this.#pending];
  }

  /** A request is under way; answers what to call when it is no longer. */
  began(client: string, { method, path }: Question): () => void {
    this.#begun += 1;
    this.#clients.add(client);
    const what = `${client}: ${method} ${path} (request ${this.#begun})`;
    this.#pending.add(what);
    return () => this.#pending.delete(what);
  }

  get wholeCount(): number {
    return this.whole.values().reduce((sum, one) => sum + one, 0);
  }

  get wrongCount(): number {
    return this.#wrongCount;
  }

  get brokenCount(): number {
    return this.#brokenCount;
  }

  answered(client: string, question: Question, answer: Answer): void {
    const fault = question.faultOf(answer);
    if (fault === undefined) {
      count(this.whole, client);
      count(this.caches, String(answer.fields["x-cache"] ?? "none"));
      return;
    }
    this.#wrongCount += 1;
    note(this.wrong, `${client}: ${told(question)}: ${fault}; ${JSON.stringify(answer.fields)}`);
  }

  /** A request without a whole answer; without an excuse it should have had one. */
  broke(client: string, question: Question, error: unknown, breaking: Breaking): void {
    const { excuse } = breaking;
    if (excuse !== undefined) {
      count(this.excused, excuse);
      return;
    }
    this.#brokenCount += 1;
    const { code = "", message } = error as NodeJS.ErrnoException;
    const what = `${told(question)}: ${code} ${message}`;
    note(this.broken, `${client}: ${what} (${breaking.tell()})`);
  }
}

function told({ method, path, fields }: Question): string {
  return `${method} ${path} ${JSON.stringify(fields)}`;
}

function count<K>(counts: Map<K, number>, key: K): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

function note(notes: string[], text: string): void {
  if (notes.length < FAILURES_SHOWN) notes.push(text);
}

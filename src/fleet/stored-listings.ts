import type {
  StoredAnswer,
  StoredEntry,
  StoredFound,
  StoredQuery,
  ToWorker,
} from "#feed/message.ts";
import { Problem } from "#problem.ts";

/** Looking through a million stored responses takes a worker that has other work less than this. */
const ANSWER_TIMEOUT_MS = 5_000;

/** Each makes every worker look through all that it has. */
const LISTINGS_MAX = 4;

/** One worker's place among those that are asked. */
export interface StoredMember {
  /** The worker has answered the question of this id. */
  heard(id: number, answer: StoredAnswer): void;
  /** The worker has ended: it answers nothing any more. */
  leave(): void;
}

interface Member {
  readonly send: (message: ToWorker) => void;
  readonly waiting: Map<number, (answer: StoredAnswer) => void>;
}

/** Asks every worker what it has stored, and puts together what they answer. */
export class StoredListings {
  readonly #members = new Set<Member>();
  readonly #timeoutMs: number;
  #nextId = 1;
  #underWay = 0;

  constructor(timeoutMs = ANSWER_TIMEOUT_MS) {
    this.#timeoutMs = timeoutMs;
  }

  /** `send` hands the worker a question, whose answer goes to `heard`. */
  join(send: (message: ToWorker) => void): StoredMember {
    const member: Member = { send, waiting: new Map() };
    this.#members.add(member);
    return {
      heard: (id, answer) => member.waiting.get(id)?.(answer),
      leave: () => {
        this.#members.delete(member);
        // What it had in memory is gone with it.
        for (const answered of member.waiting.values()) answered(NOTHING);
      },
    };
  }

  /**
   * Asks all workers at once. One that does not answer in time leaves the list truncated.
   * @throws Problem("too_many_requests") while as many as may be are under way
   */
  async list(endpointId: string, patterns: readonly string[], limit: number): Promise<StoredFound> {
    if (this.#underWay >= LISTINGS_MAX) throw tooManyListings();
    this.#underWay += 1;
    const timeout = Promise.withResolvers<StoredAnswer>();
    const timer = setTimeout(() => timeout.resolve(NO_ANSWER), this.#timeoutMs);
    try {
      const query = { endpointId, patterns, limit };
      const answers = [...this.#members].map((member) => this.#ask(member, query, timeout.promise));
      return putTogether(await Promise.all(answers), limit);
    } finally {
      clearTimeout(timer);
      this.#underWay -= 1;
    }
  }

  async #ask(
    member: Member,
    query: StoredQuery,
    late: Promise<StoredAnswer>,
  ): Promise<StoredAnswer> {
    const id = this.#nextId;
    this.#nextId += 1;
    const { promise, resolve } = Promise.withResolvers<StoredAnswer>();
    member.waiting.set(id, resolve);
    member.send({ kind: "list-stored", id, ...query });
    try {
      return await Promise.race([promise, late]);
    } finally {
      member.waiting.delete(id);
    }
  }
}

const NOTHING: StoredAnswer = { entries: [], truncated: false };
const NO_ANSWER: StoredAnswer = { entries: [], truncated: true };

/** What several have is one match: in memory if any has it there, as large as the largest. */
function putTogether(answers: readonly StoredAnswer[], limit: number): StoredFound {
  const byPath = new Map<string, StoredEntry>();
  for (const { path, bytes, tier } of answers.flatMap(({ entries }) => entries)) {
    const known = byPath.get(path) ?? { bytes, tier };
    byPath.set(path, {
      path,
      bytes: Math.max(known.bytes, bytes),
      tier: known.tier === "memory" ? "memory" : tier,
    });
  }
  const paths = [...byPath.values()].toSorted((a, b) => (a.path < b.path ? -1 : 1));
  return {
    matches: paths.slice(0, limit),
    total: paths.length,
    truncated: paths.length > limit || answers.some(({ truncated }) => truncated),
  };
}

function tooManyListings(): Problem {
  return new Problem("too_many_requests", "Other listings are under way. Retry in 1 s.", {
    fields: { "retry-after": "1" },
  });
}

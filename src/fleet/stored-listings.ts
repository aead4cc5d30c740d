import type { DiskKeeper } from "#edge/disk/disk-keeper.ts";
import { listOnDisk } from "#edge/disk-listing.ts";
import type {
  StoredAnswer,
  StoredEntry,
  StoredFound,
  StoredQuery,
  ToWorker,
} from "#feed/message.ts";
import { Problem } from "#problem.ts";
import { type AskedWorker, type WorkerAnswer, WorkerQuestions } from "./worker-questions.ts";

/** Looking through a million stored responses takes a worker that has other work less than this. */
const ANSWER_TIMEOUT_MS = 5_000;

/** Each makes every worker look through all that it has. */
const LISTINGS_MAX = 4;

/** What listings are made of. */
export interface StoredListingsParts {
  /** Of the disk tier. Absent: there is none. */
  readonly disk?: Pick<DiskKeeper, "list"> | undefined;
  readonly timeoutMs?: number;
}

/** Asks every worker what it has in memory, looks what is on disk, and puts it together. */
export class StoredListings {
  readonly #disk: StoredListingsParts["disk"];
  readonly #workers: WorkerQuestions<StoredAnswer>;
  #underWay = 0;

  constructor({ disk, timeoutMs = ANSWER_TIMEOUT_MS }: StoredListingsParts) {
    this.#disk = disk;
    this.#workers = new WorkerQuestions(timeoutMs);
  }

  /** `send` hands the worker a question, whose answer goes to `heard`. */
  join(send: (message: ToWorker) => void): AskedWorker<StoredAnswer> {
    return this.#workers.join(send);
  }

  /**
   * A worker that does not answer in time, and a disk that takes too long, leave the list truncated.
   * @throws Problem("too_many_requests") while as many as may be are under way
   */
  async list(endpointId: string, patterns: readonly string[], limit: number): Promise<StoredFound> {
    if (this.#underWay >= LISTINGS_MAX) throw tooManyListings();
    this.#underWay += 1;
    try {
      const query = { endpointId, patterns, limit };
      const ask = (id: number): ToWorker => ({ kind: "list-stored", id, ...query });
      const inMemory = (await this.#workers.askAll(ask)).map(answerOf);
      return putTogether([...inMemory, await this.#onDisk(query, inMemory)], limit);
    } finally {
      this.#underWay -= 1;
    }
  }

  /** Only workers know what was purged, and all of them the same. */
  async #onDisk(query: StoredQuery, inMemory: readonly StoredAnswer[]): Promise<StoredAnswer> {
    if (this.#disk === undefined) return NOTHING;
    const purges = inMemory.find((answer) => answer.purges.length > 0)?.purges ?? [];
    // The keeper tells of a disk that cannot be read: it goes round all folders.
    return listOnDisk(this.#disk, query, purges).catch(() => NO_ANSWER);
  }
}

const NOTHING: StoredAnswer = { entries: [], truncated: false, purges: [] };
const NO_ANSWER: StoredAnswer = { entries: [], truncated: true, purges: [] };

function answerOf(answered: WorkerAnswer<StoredAnswer>): StoredAnswer {
  // What a worker that has ended had in memory is gone with it.
  if (answered === "gone") return NOTHING;
  return answered === "late" ? NO_ANSWER : answered.answer;
}

/** What several have is one match: in memory if any has it there, as large as the largest. */
function putTogether(answers: readonly StoredAnswer[], limit: number): StoredFound {
  const byPath = new Map<string, StoredEntry>();
  for (const entry of answers.flatMap(({ entries }) => entries)) {
    const known = byPath.get(entry.path);
    byPath.set(entry.path, known === undefined ? entry : together(known, entry));
  }
  const paths = [...byPath.values()].toSorted((a, b) => (a.path < b.path ? -1 : 1));
  return {
    matches: paths.slice(0, limit),
    total: paths.length,
    truncated: paths.length > limit || answers.some(({ truncated }) => truncated),
  };
}

function together(one: StoredEntry, other: StoredEntry): StoredEntry {
  const stored = [one.storedBytes, other.storedBytes].filter((bytes) => bytes !== undefined);
  return {
    path: one.path,
    bytes: Math.max(one.bytes, other.bytes),
    ...(stored.length === 0 ? {} : { storedBytes: Math.max(...stored) }),
    tier: one.tier === "memory" ? "memory" : other.tier,
  };
}

function tooManyListings(): Problem {
  return new Problem("too_many_requests", "Other listings are under way. Retry in 1 s.", {
    fields: { "retry-after": "1" },
  });
}

import type { Clock } from "#clock.ts";
import type { ExplainAnswer, Explained, ExplainedRequest } from "#feed/explained.ts";
import type { ToWorker } from "#feed/message.ts";
import { Problem } from "#problem.ts";
import { type AskedWorker, WorkerQuestions } from "./worker-questions.ts";

/** Looking at one entry in memory and on disk takes milliseconds; a disk that hangs is given up in 2 s. */
const ANSWER_TIMEOUT_MS = 4_000;

/** Each has every worker look at the disk. */
const EXPLANATIONS_MAX = 4;

interface SlotAnswer {
  readonly slot: number;
  readonly answer: ExplainAnswer;
}

/** Asks every worker what it would do with a request, and puts together what they answer. */
export class Explanations {
  readonly #clock: Clock;
  readonly #workers: WorkerQuestions<SlotAnswer>;
  #underWay = 0;

  constructor(clock: Clock, timeoutMs = ANSWER_TIMEOUT_MS) {
    this.#clock = clock;
    this.#workers = new WorkerQuestions(timeoutMs);
  }

  /** `send` hands the worker of this slot a question, whose answer goes to `heard`. */
  join(slot: number, send: (message: ToWorker) => void): AskedWorker<ExplainAnswer> {
    const worker = this.#workers.join(send);
    return {
      heard: (id, answer) => worker.heard(id, { slot, answer }),
      leave: () => worker.leave(),
    };
  }

  /**
   * Nothing is fetched, and nothing is different afterwards.
   * @throws Problem("too_many_requests") while as many as may be are under way
   */
  async explain(request: ExplainedRequest): Promise<Explained> {
    if (this.#underWay >= EXPLANATIONS_MAX) throw tooMany();
    this.#underWay += 1;
    try {
      const now = this.#clock.now();
      const asked = await this.#workers.askAll((id) => ({ kind: "explain", id, request, now }));
      const answers = asked.flatMap((one) => (typeof one === "string" ? [] : [one.answer]));
      return putTogether(answers, asked.filter((one) => one === "late").length);
    } finally {
      this.#underWay -= 1;
    }
  }
}

function putTogether(answers: readonly SlotAnswer[], missing: number): Explained {
  const groups = new Map<string, { slots: number[]; found: ExplainAnswer["found"] }>();
  for (const { slot, answer } of answers.toSorted((one, other) => one.slot - other.slot)) {
    const name = JSON.stringify(answer.found);
    const group = groups.get(name) ?? { slots: [], found: answer.found };
    group.slots.push(slot);
    groups.set(name, group);
  }
  const { endpointId, isPlatform, decided = [] } = answers[0]?.answer ?? {};
  const workers = [...groups.values()];
  return {
    ...(endpointId === undefined ? {} : { endpointId }),
    ...(isPlatform === undefined ? {} : { isPlatform }),
    decided,
    workers,
    missing,
  };
}

function tooMany(): Problem {
  return new Problem("too_many_requests", "Other requests are being explained. Retry in 1 s.", {
    fields: { "retry-after": "1" },
  });
}

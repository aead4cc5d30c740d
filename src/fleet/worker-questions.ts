import type { ToWorker } from "#feed/message.ts";

/** One worker's place among those that are asked. */
export interface AskedWorker<Answer> {
  /** The worker has answered the question of this id. */
  heard(id: number, answer: Answer): void;
  /** The worker has ended: it answers nothing any more. */
  leave(): void;
}

/** What came of asking one worker: "late" is one that did not answer in time, "gone" one that ended. */
export type WorkerAnswer<Answer> = { readonly answer: Answer } | "late" | "gone";

interface Member<Answer> {
  readonly send: (message: ToWorker) => void;
  readonly waiting: Map<number, (answer: WorkerAnswer<Answer>) => void>;
}

/** Asks all workers the same at once, and waits for none of them longer than it may. */
export class WorkerQuestions<Answer> {
  readonly #members = new Set<Member<Answer>>();
  readonly #timeoutMs: number;
  #nextId = 1;

  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
  }

  /** `send` hands the worker a question, whose answer goes to `heard`. */
  join(send: (message: ToWorker) => void): AskedWorker<Answer> {
    const member: Member<Answer> = { send, waiting: new Map() };
    this.#members.add(member);
    return {
      heard: (id, answer) => member.waiting.get(id)?.({ answer }),
      leave: () => {
        this.#members.delete(member);
        for (const answered of member.waiting.values()) answered("gone");
      },
    };
  }

  /** One answer for each worker, in the order in which they joined. */
  async askAll(question: (id: number) => ToWorker): Promise<readonly WorkerAnswer<Answer>[]> {
    const timeout = Promise.withResolvers<"late">();
    const timer = setTimeout(() => timeout.resolve("late"), this.#timeoutMs);
    try {
      const asked = [...this.#members].map((member) =>
        this.#ask(member, question, timeout.promise),
      );
      return await Promise.all(asked);
    } finally {
      clearTimeout(timer);
    }
  }

  async #ask(
    member: Member<Answer>,
    question: (id: number) => ToWorker,
    late: Promise<"late">,
  ): Promise<WorkerAnswer<Answer>> {
    const id = this.#nextId;
    this.#nextId += 1;
    const { promise, resolve } = Promise.withResolvers<WorkerAnswer<Answer>>();
    member.waiting.set(id, resolve);
    member.send(question(id));
    try {
      return await Promise.race([promise, late]);
    } finally {
      member.waiting.delete(id);
    }
  }
}

import type { Clock } from "#clock.ts";
import type { Logger } from "#log.ts";
import type { Exchange } from "../exchange.ts";
import { fieldOf } from "../fields.ts";
import { refusalReply } from "../reply.ts";
import type { RequestHead } from "../request.ts";
import { Connection } from "../wire/http1/connection.ts";
import { Listener } from "../wire/listener.ts";
import type { ConnectionParts } from "../wire/parts.ts";
import { AskedExchange } from "./asked-exchange.ts";
import { SIBLING_ACCEPT_MS } from "./limits.ts";
import { decodeQuestion, type FetchQuestion } from "./question.ts";
import type { SiblingAnswers } from "./sibling-answers.ts";
import { isToken, type SiblingTokens } from "./tokens.ts";
import { ACCEPTED, QUESTION_FIELD, TOKEN_FIELD } from "./wire-fields.ts";

/** What the door is made of. */
export interface SiblingDoorParts {
  readonly answers: SiblingAnswers;
  readonly tokens: SiblingTokens;
  readonly clock: Clock;
  readonly stopwatch: Clock;
  readonly slabs: ConnectionParts["slabs"];
  readonly log: Logger;
}

/** Where a worker is asked by the others of its host: on the loopback, and by nobody else. */
export class SiblingDoor {
  readonly #parts: SiblingDoorParts;
  readonly #listener: Listener;

  constructor(parts: SiblingDoorParts) {
    this.#parts = parts;
    const { clock, stopwatch, slabs, log } = parts;
    const connection: ConnectionParts = {
      serve: (request, exchange) => this.serve(request, exchange),
      // The worker that asks counts and logs what its client was answered.
      observer: { ended: () => undefined },
      clock,
      stopwatch,
      slabs,
      // Who reads slowly is who asks for a slow client, and has a deadline for that one.
      writeStallMs: Infinity,
    };
    this.#listener = new Listener({
      connect: (socket, client, _protocol, received) =>
        new Connection(socket, connection, client, received),
      clock,
      log,
    });
  }

  /** Resolves with the port. */
  async listen(): Promise<number> {
    const address = { host: "127.0.0.1", port: 0, sharePort: false };
    return (await this.#listener.listen(address)).port;
  }

  /** Answers no more questions, and cuts what is left after `graceMs`. */
  async stop(graceMs: number): Promise<void> {
    await this.#listener.stop(graceMs);
  }

  /** Answers a question of who has shown that it is a sibling. */
  serve(request: RequestHead, exchange: Exchange): void {
    const { answers, tokens } = this.#parts;
    if (!isToken(tokens.ask, fieldOf(request.fields, TOKEN_FIELD))) {
      return this.#refuse(exchange, 403, "Only workers of this host are answered here.");
    }
    const question = decodeQuestion(fieldOf(request.fields, QUESTION_FIELD) ?? "");
    if (question === undefined) return this.#refuse(exchange, 400, "The question cannot be read.");
    if (question.kind === "forget") {
      answers.forget(question.key);
      return this.#refuse(exchange, 204, "");
    }
    const asked = new AskedExchange(exchange, question.client);
    void this.#answer(question, asked);
    if (!asked.isAnswered) setTimeout(() => accept(asked), SIBLING_ACCEPT_MS);
  }

  async #answer(question: FetchQuestion, asked: AskedExchange): Promise<void> {
    const { answers, tokens, log } = this.#parts;
    try {
      const answered = await answers.answer(question, asked, tokens.answer);
      if (answered === "unable") this.#refuse(asked, 503, "This worker cannot tell.");
    } catch (error) {
      // A bug: the sibling asks the origin itself, and the worker lives on.
      log.error({ err: error, request_id: question.requestId }, "sibling's question failed");
      if (!asked.isAnswered) this.#refuse(asked, 500, "The worker failed unexpectedly.");
    }
  }

  /** Whatever shows no token is no answer. */
  #refuse(exchange: Exchange, status: number, reason: string): void {
    exchange.respond(refusalReply(status, reason, this.#parts.clock.now()));
  }
}

/** Whoever asks would think that nobody is there. */
function accept(asked: AskedExchange): void {
  if (!asked.isAnswered) asked.inform(ACCEPTED, []);
}

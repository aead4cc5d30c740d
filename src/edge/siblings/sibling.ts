import type { Clock } from "#clock.ts";
import type { SiblingAddress } from "#feed/message.ts";
import { fieldOf } from "../fields.ts";
import { ORIGIN_BODY_IDLE_TIMEOUT_MS } from "../limits.ts";
import { RequestUnusable } from "../origin/fetch-failure.ts";
import type { OriginRequest } from "../origin/origin.ts";
import { OriginFetch } from "../origin/origin-fetch.ts";
import { OriginPools } from "../origin/origin-pools.ts";
import { requestText } from "../origin/request-text.ts";
import { type Answer, decodeAnswer } from "./answer.ts";
import {
  ANSWER_BYTES_MAX,
  SIBLING_AVOIDED_MS,
  SIBLING_CONNECT_TIMEOUT_MS,
  SIBLING_HEAD_TIMEOUT_MS,
  SIBLING_IDLE_MS,
  SIBLING_QUESTIONS_MAX,
  SIBLING_SILENCE_MS_MAX,
} from "./limits.ts";
import { isToken, type SiblingTokens } from "./tokens.ts";
import { ACCEPTED, ANSWER_FIELD, QUESTION_FIELD, TOKEN_FIELD } from "./wire-fields.ts";

/** What a sibling has answered: the head, and the body behind it, to be read or discarded. */
export interface Told {
  readonly answer: Answer;
  readonly fetch: OriginFetch;
}

/** Who waits for an answer. */
interface AskTerms extends Pick<OriginRequest, "informed" | "brokeOff"> {
  readonly signal: AbortSignal;
  /** It is told all the same, be there too many questions or has it been silent. */
  readonly isUrgent?: boolean;
}

/** Another worker of this host, as one that may be asked. */
export class Sibling {
  readonly port: number;
  readonly #tokens: SiblingTokens;
  readonly #clock: Clock;
  readonly #connections = new OriginPools(
    {
      headBytesMax: ANSWER_BYTES_MAX,
      connectTimeoutMs: SIBLING_CONNECT_TIMEOUT_MS,
      headTimeoutMs: SIBLING_HEAD_TIMEOUT_MS,
      bodyIdleTimeoutMs: ORIGIN_BODY_IDLE_TIMEOUT_MS,
      idleTimeoutMs: SIBLING_IDLE_MS,
    },
    { anyAddress: true },
  );
  #questions = 0;
  #avoidedUntil = 0;

  constructor({ port }: SiblingAddress, tokens: SiblingTokens, clock: Clock) {
    this.port = port;
    this.#tokens = tokens;
    this.#clock = clock;
  }

  /** Undefined: it has not answered, or cannot, and nothing of the kind will come. */
  async ask(question: string, terms: AskTerms): Promise<Told | undefined> {
    const { informed, brokeOff, signal, isUrgent = false } = terms;
    const isAvoided = this.#clock.now() < this.#avoidedUntil;
    if (!isUrgent && (isAvoided || this.#questions >= SIBLING_QUESTIONS_MAX)) return undefined;
    const host = `127.0.0.1:${this.port}`;
    const asked = [TOKEN_FIELD, this.#tokens.ask, QUESTION_FIELD, question];
    const text = requestText({ method: "GET", path: "/", fields: asked, host });
    if (text instanceof RequestUnusable) return undefined;
    this.#questions += 1;
    let isAccepted = false;
    let isSilent = false;
    const fetch = new OriginFetch({
      request: {
        informed: (status, fields) => {
          if (isAccepted || status !== ACCEPTED) informed(status, fields);
          isAccepted = true;
          clearTimeout(silence);
        },
        ...(brokeOff === undefined ? {} : { brokeOff }),
      },
      signal,
      clock: this.#clock,
      // Whoever fetches for us sees to that.
      isPaced: false,
      closed: () => {
        this.#questions -= 1;
      },
    });
    const silence = setTimeout(() => {
      isSilent = true;
      fetch.giveUp("the sibling says nothing");
    }, SIBLING_SILENCE_MS_MAX);
    this.#connections.dispatch(`http://${host}`, { text, isHead: false }, fetch);
    const head = await fetch.head;
    clearTimeout(silence);
    if (head instanceof Error) {
      this.#questions -= 1;
      if (isSilent) this.#avoidedUntil = this.#clock.now() + SIBLING_AVOIDED_MS;
      return undefined;
    }
    const isSibling = isToken(this.#tokens.answer, fieldOf(head.fields, TOKEN_FIELD));
    const answer = isSibling ? decodeAnswer(fieldOf(head.fields, ANSWER_FIELD)) : undefined;
    if (answer !== undefined) return { answer, fetch };
    fetch.discard();
    return undefined;
  }

  /** It is gone: what it was asked, it will not answer. */
  close(): void {
    this.#connections.close();
  }
}

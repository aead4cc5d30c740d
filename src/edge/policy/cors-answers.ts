import type { CorsRule } from "#feed/entry.ts";
import { ownedText } from "../cache/owned.ts";
import { fieldOf } from "../fields.ts";
import { type Cors, type CorsRequest, decideCors } from "./cors.ts";
import { CORS_ANSWERS_MAX, CORS_ORIGIN_LENGTH_MAX } from "./limits.ts";

/**
 * What the rules of Spaces said of late: a page asks for all that is on it from one origin. The same
 * answer is the same object, so that what was made of it can be kept by it.
 */
export class CorsAnswers {
  // By the rules themselves, so that no answer outlives them.
  #answers = new WeakMap<readonly CorsRule[], Map<string, Cors>>();
  #size = 0;

  /** As `decideCors`. */
  decide(rules: readonly CorsRule[] | undefined, request: CorsRequest): Cors {
    const { method, fields } = request;
    if (rules === undefined || rules.length === 0) return decideCors(rules, request);
    const origin = method === "GET" || method === "HEAD" ? fieldOf(fields, "origin") : undefined;
    if (origin === undefined || origin.length > CORS_ORIGIN_LENGTH_MAX) {
      return decideCors(rules, request);
    }
    const name = `${method} ${origin}`;
    const known = this.#answers.get(rules)?.get(name);
    if (known !== undefined) return known;
    const cors = decideCors(rules, request);
    return cors.kind === "actual" ? this.#keep(rules, name, cors.lines) : cors;
  }

  #keep(rules: readonly CorsRule[], name: string, lines: string): Cors {
    if (this.#size >= CORS_ANSWERS_MAX) {
      this.#answers = new WeakMap();
      this.#size = 0;
    }
    const cors: Cors = { kind: "actual", lines: ownedText(lines) };
    const answers = this.#answers.get(rules) ?? new Map<string, Cors>();
    answers.set(ownedText(name), cors);
    this.#answers.set(rules, answers);
    this.#size += 1;
    return cors;
  }
}

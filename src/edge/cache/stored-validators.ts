import { parseHttpDate } from "#http/http-date.ts";
import type { Validators } from "#http/precondition.ts";
import { fieldIn } from "../fields.ts";

/** The validators of a head, each read when it is needed: most conditions need one. */
export class StoredValidators implements Validators {
  readonly #lines: string;
  readonly #responseTime: number;

  constructor(lines: string, responseTime: number) {
    this.#lines = lines;
    this.#responseTime = responseTime;
  }

  get etag(): string | undefined {
    return fieldIn(this.#lines, "etag");
  }

  get lastModified(): string | undefined {
    return fieldIn(this.#lines, "last-modified");
  }

  get modifiedMs(): number {
    return parseHttpDate(this.lastModified ?? "", this.#responseTime) ?? this.dateMs;
  }

  get dateMs(): number {
    const date = fieldIn(this.#lines, "date") ?? "";
    return parseHttpDate(date, this.#responseTime) ?? this.#responseTime;
  }
}

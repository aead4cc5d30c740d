import { parseHttpDate } from "#http/http-date.ts";
import type { Validators } from "#http/precondition.ts";
import { fieldIn } from "../fields.ts";

/** The validators of a head, read off its lines as they are asked for: most conditions need one. */
export class StoredValidators implements Validators {
  readonly modifiedMs: number;
  readonly #lines: string;
  readonly #responseTime: number;

  constructor(lines: string, responseTime: number, modifiedMs: number) {
    this.modifiedMs = modifiedMs;
    this.#lines = lines;
    this.#responseTime = responseTime;
  }

  get etag(): string | undefined {
    return fieldIn(this.#lines, "etag");
  }

  get lastModified(): string | undefined {
    return fieldIn(this.#lines, "last-modified");
  }

  get dateMs(): number {
    return dateOf(this.#lines, "date", this.#responseTime) ?? this.#responseTime;
  }
}

/** RFC 9111 §4.3.2: Last-Modified, or else Date, which a stored head has in any case. */
export function modifiedSecondsOf(lines: string, responseTime: number): number {
  const modifiedMs =
    dateOf(lines, "last-modified", responseTime) ?? dateOf(lines, "date", responseTime);
  return Math.floor((modifiedMs ?? responseTime) / 1_000);
}

function dateOf(lines: string, name: string, responseTime: number): number | undefined {
  const value = fieldIn(lines, name);
  return value === undefined ? undefined : parseHttpDate(value, responseTime);
}

import { flatText } from "#flat-text.ts";
import { Recent } from "./recent.ts";
import { statusLine } from "./status-line.ts";
import { type PreparedFields, prepareFields } from "./wire/hpack/prepared-fields.ts";

/** Stored sections that are ready for HTTP/2 at one time: some 11 MiB of what was asked for lately. */
const PREPARED_MAX = 16_384;

/** One that is larger is prepared for each use: with this, the former are 28 MiB at most. */
const PREPARED_BYTES_MAX = 1024;

const preparedLately = new Recent<PreparedFields>(PREPARED_MAX);

/** The value of a field, its lines joined as RFC 9110 §5.3 says, or `undefined`. */
export function fieldOf(fields: readonly string[], name: string): string | undefined {
  let value: string | undefined;
  for (let i = 0; i < fields.length; i += 2) {
    if (fields[i] !== name) continue;
    const line = fields[i + 1] ?? "";
    value = value === undefined ? line : `${value}, ${line}`;
  }
  return value;
}

/** The same of field lines, each with its CRLF. */
export function fieldIn(lines: string, name: string): string | undefined {
  const label = `${name}: `;
  let value: string | undefined;
  for (let at = lines.indexOf(label); at >= 0; at = lines.indexOf(label, at + 1)) {
    // Not the end of a longer name, nor part of a value.
    if (at > 0 && lines[at - 1] !== "\n") continue;
    const from = at + label.length;
    const line = lines.slice(from, lines.indexOf("\r\n", from));
    value = value === undefined ? line : `${value}, ${line}`;
  }
  return value;
}

interface Head {
  readonly status: number;
  readonly section: FieldSection;
  readonly contentLength: number | undefined;
  readonly text: string;
}

/** What was made of a section's text, to be used again. */
interface Made {
  http2: PreparedFields | undefined;
  head: Head | undefined;
}

/**
 * Field lines that are ready for either version of HTTP: as text for HTTP/1.1, and from their first
 * use on as HPACK for HTTP/2. What many replies have in common is prepared once.
 */
export class FieldSection {
  /** Each line with its CRLF, names in lower case; one character per octet. */
  readonly text: string;
  /** Of a section that is stored: the number that its HPACK is found by if it was used lately. */
  #made: Made | number;

  /** There are so many sections that are stored that only those in use have more than their text. */
  constructor(text: string, use: "reply" | "stored" = "reply") {
    this.text = text;
    this.#made = use === "stored" ? 0 : { http2: undefined, head: undefined };
  }

  get http2(): PreparedFields {
    const made = this.#made;
    if (typeof made !== "number") {
      made.http2 ??= prepareFields(this.fields());
      return made.http2;
    }
    const lately = preparedLately.find(made);
    if (lately !== undefined) return lately;
    const prepared = prepareFields(this.fields());
    const isKept = prepared.literals.length <= PREPARED_BYTES_MAX;
    if (isKept) this.#made = preparedLately.keep(prepared);
    return prepared;
  }

  /**
   * A head of HTTP/1.1 that ends with these lines and Content-Length, if that is known. The last one
   * is remembered: hits of one second on one stored response have the same.
   */
  headOf(status: number, section: FieldSection, contentLength: number | undefined): string {
    const made = this.#made;
    const last = typeof made === "number" ? undefined : made.head;
    const isSame = last?.status === status && last.section === section;
    if (isSame && last.contentLength === contentLength) return last.text;
    const length = contentLength === undefined ? "" : `content-length: ${contentLength}\r\n`;
    const text = flatText(statusLine(status) + section.text + this.text + length);
    if (typeof made !== "number") made.head = { status, section, contentLength, text };
    return text;
  }

  /** Names and values, alternating. */
  fields(): string[] {
    const fields: string[] = [];
    for (const line of this.text.split("\r\n")) {
      const colon = line.indexOf(": ");
      if (colon > 0) fields.push(line.slice(0, colon), line.slice(colon + 2));
    }
    return fields;
  }
}

/** Of names and values, alternating. */
export function fieldSection(fields: readonly string[]): FieldSection {
  let text = "";
  for (let i = 0; i < fields.length; i += 2) text += `${fields[i]}: ${fields[i + 1]}\r\n`;
  return new FieldSection(text);
}

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

/** What goes before the last lines of a head, and of what it was put together. */
interface Head {
  readonly status: number;
  readonly section: FieldSection;
  readonly contentLength: number | undefined;
  readonly text: string;
}

/**
 * Field lines that are ready for either version of HTTP: as text for HTTP/1.1, and from their first
 * use on as HPACK for HTTP/2. What many replies have in common is prepared once.
 */
export class FieldSection {
  /** Each line with its CRLF, names in lower case; one character per octet. */
  readonly text: string;
  /** As HPACK; of a section that is stored, the number by which it is found if it is used often. */
  #http2: PreparedFields | number | undefined;
  #head: Head | undefined;

  /** Of those that are stored there are so many that HPACK is kept only for what is in use. */
  constructor(text: string, use: "reply" | "stored" = "reply") {
    this.text = text;
    this.#http2 = use === "stored" ? 0 : undefined;
  }

  get http2(): PreparedFields {
    const known = this.#http2;
    if (typeof known === "object") return known;
    const recent = known === undefined ? undefined : preparedLately.find(known);
    if (recent !== undefined) return recent;
    const prepared = prepareFields(this.fields());
    if (known === undefined) this.#http2 = prepared;
    else if (prepared.literals.length <= PREPARED_BYTES_MAX) {
      this.#http2 = preparedLately.keep(prepared);
    }
    return prepared;
  }

  /**
   * The head of HTTP/1.1, up to the lines that the connection adds, of a reply that has these fields
   * for itself beside those of `section`. Hits of one second have the same: it is put together once.
   */
  headOf(status: number, section: FieldSection, contentLength: number | undefined): string {
    const known = this.#head;
    if (
      known?.section === section &&
      known.status === status &&
      known.contentLength === contentLength
    ) {
      return known.text;
    }
    const length = contentLength === undefined ? "" : `content-length: ${contentLength}\r\n`;
    const text = flatText(`${statusLine(status)}${section.text}${this.text}${length}`);
    this.#head = { status, section, contentLength, text };
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

import { flatText } from "#flat-text.ts";
import { statusLine } from "./status-line.ts";
import { type PreparedFields, prepareFields } from "./wire/hpack/prepared-fields.ts";

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
  #http2: PreparedFields | undefined;
  #head: Head | undefined;

  constructor(text: string) {
    this.text = text;
  }

  get http2(): PreparedFields {
    this.#http2 ??= prepareFields(this.fields());
    return this.#http2;
  }

  /**
   * A head of HTTP/1.1 that ends with these lines and Content-Length, if that is known. The last one
   * is remembered: hits of one second on one stored response have the same.
   */
  headOf(status: number, section: FieldSection, contentLength: number | undefined): string {
    const last = this.#head;
    const isSame = last?.status === status && last.section === section;
    if (isSame && last.contentLength === contentLength) return last.text;
    const length = contentLength === undefined ? "" : `content-length: ${contentLength}\r\n`;
    const text = flatText(statusLine(status) + section.text + this.text + length);
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

import assert from "node:assert/strict";
import { connect, type Socket } from "node:net";

/** A response as it was read off the wire. */
export interface Received {
  readonly status: number;
  /** Lines of one name are joined by commas, as RFC 9110 §5.3 has it. */
  readonly fields: ReadonlyMap<string, string>;
  readonly body: Buffer;
  readonly trailers: ReadonlyMap<string, string>;
  /** Whether the body ended as its framing says, and not by a cut. */
  readonly whole: boolean;
}

type Content = Pick<Received, "body" | "trailers" | "whole">;

const NONE: ReadonlyMap<string, string> = new Map();

/** A client on a raw socket, which reads when it is told to. */
export class Client implements Disposable {
  readonly socket: Socket;
  #buffered = Buffer.alloc(0);
  #stirred: () => void = () => undefined;

  constructor(port: number) {
    this.socket = connect({ port, host: "127.0.0.1", noDelay: true, allowHalfOpen: true });
    this.socket.on("error", () => undefined);
    for (const event of ["readable", "end", "close"]) {
      this.socket.on(event, () => this.#stirred());
    }
  }

  send(octets: string | Buffer): void {
    this.socket.write(typeof octets === "string" ? Buffer.from(octets, "latin1") : octets);
  }

  /** Nothing more will be sent. */
  end(): void {
    this.socket.end();
  }

  /** Reads one response, or an interim one. One to HEAD has no content whatever its length says. */
  async receive(method = "GET"): Promise<Received> {
    const headEnd = await this.#until(() => {
      const at = this.#buffered.indexOf("\r\n\r\n");
      return at < 0 ? undefined : at + 4;
    });
    assert(headEnd !== undefined, "the connection ended before a whole head");
    const [statusLine = "", ...lines] = this.#take(headEnd).toString("latin1").split("\r\n");
    assert.match(statusLine, /^HTTP\/1\.1 \d{3} /);
    const status = Number(statusLine.split(" ")[1]);
    const fields = fieldMap(lines);
    const hasContent = method !== "HEAD" && status >= 200 && status !== 304 && status !== 204;
    if (!hasContent) {
      return { status, fields, body: Buffer.alloc(0), trailers: NONE, whole: true };
    }
    const content =
      fields.get("transfer-encoding") === "chunked"
        ? await this.#chunked()
        : await this.#counted(fields.get("content-length"));
    return { status, fields, ...content };
  }

  /** Whether the server closes with nothing more to say. */
  async ended(): Promise<boolean> {
    await this.#until(() => (this.#buffered.length > 0 ? 0 : undefined));
    return this.#buffered.length === 0;
  }

  /** All that comes up to the end of the connection. */
  async rest(): Promise<Buffer> {
    await this.#until(() => undefined);
    return this.#take(this.#buffered.length);
  }

  async #counted(length: string | undefined): Promise<Content> {
    const end = length === undefined ? Infinity : Number(length);
    const found = await this.#until(() => (this.#buffered.length >= end ? end : undefined));
    // Without a length an orderly end is the end.
    const whole = found !== undefined || (length === undefined && this.socket.readableEnded);
    return { body: this.#take(found ?? this.#buffered.length), trailers: NONE, whole };
  }

  async #chunked(): Promise<Content> {
    const parts: Buffer[] = [];
    const cut = (): Content => ({ body: Buffer.concat(parts), trailers: NONE, whole: false });
    for (;;) {
      const line = await this.#line();
      if (line === undefined) return cut();
      const size = Number.parseInt(line, 16);
      if (size === 0) break;
      const end = await this.#until(() => (this.#buffered.length >= size + 2 ? size : undefined));
      if (end === undefined) return cut();
      parts.push(this.#take(size));
      this.#take(2);
    }
    const lines: string[] = [];
    for (;;) {
      const line = await this.#line();
      if (line === undefined) return cut();
      if (line === "")
        return { body: Buffer.concat(parts), trailers: fieldMap(lines), whole: true };
      lines.push(line);
    }
  }

  async #line(): Promise<string | undefined> {
    const end = await this.#until(() => {
      const at = this.#buffered.indexOf("\r\n");
      return at < 0 ? undefined : at + 2;
    });
    return end === undefined ? undefined : this.#take(end).toString("latin1").slice(0, -2);
  }

  /** Reads on until `found` answers, or the connection ends. */
  async #until(found: () => number | undefined): Promise<number | undefined> {
    for (;;) {
      const at = found();
      if (at !== undefined) return at;
      const more = this.socket.read() as Buffer | null;
      if (more !== null) this.#buffered = Buffer.concat([this.#buffered, more]);
      else if (this.socket.destroyed || this.socket.readableEnded) return undefined;
      else {
        await new Promise<void>((resolve) => {
          this.#stirred = resolve;
        });
      }
    }
  }

  #take(count: number): Buffer {
    const taken = this.#buffered.subarray(0, count);
    this.#buffered = this.#buffered.subarray(count);
    return taken;
  }

  [Symbol.dispose](): void {
    this.socket.destroy();
  }
}

function fieldMap(lines: readonly string[]): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(": ");
    if (colon < 0) continue;
    const name = line.slice(0, colon);
    const before = fields.get(name);
    const value = line.slice(colon + 2);
    fields.set(name, before === undefined ? value : `${before}, ${value}`);
  }
  return fields;
}

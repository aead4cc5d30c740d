import type { Socket } from "node:net";
import type { Clock } from "#clock.ts";
import type { BodyReader } from "../cache/body-reader.ts";
import { HELD_UP_BYTES_MIN, SMALL_BODY_BYTES_MAX, WRITE_STALL_TIMEOUT_MS } from "../limits.ts";

const NEVER = Infinity;

/** The writing half of a connection: one reply after another, each as fast as its reader takes it. */
export class ReplyWriter {
  readonly #socket: Socket;
  readonly #clock: Clock;
  readonly #written: () => void;
  #reader: BodyReader | undefined;
  #chunked = false;
  #deadline = NEVER;
  /** Since when others wait for this connection to read, and what it had read by then. */
  #holdingUp: { readonly since: number; readonly position: number } | undefined;

  /** `written` is called after each streamed reply. */
  constructor(socket: Socket, clock: Clock, written: () => void) {
    this.#socket = socket;
    this.#clock = clock;
    this.#written = written;
  }

  /** Whether a reply is under way that the socket's "drain" takes further. */
  get streaming(): boolean {
    return this.#reader !== undefined;
  }

  /** Writes a reply that is there as a whole. */
  write(head: string, content: Buffer | undefined): void {
    if (content === undefined || content.length === 0) {
      this.#socket.write(head, "latin1");
    } else if (content.length <= SMALL_BODY_BYTES_MAX) {
      const whole = Buffer.allocUnsafe(head.length + content.length);
      whole.write(head, 0, "latin1");
      content.copy(whole, head.length);
      this.#socket.write(whole);
    } else {
      this.#socket.write(head, "latin1");
      this.#socket.write(content);
    }
  }

  /** Writes a reply as its content comes; the reader is closed at the end, or with the connection. */
  stream(head: string, content: BodyReader, framing: { readonly chunked: boolean }): void {
    this.#socket.write(head, "latin1");
    this.#reader = content;
    this.#chunked = framing.chunked;
    content.whenReadable(() => this.pump());
    this.pump();
  }

  /** Writes as long as the socket takes more and the body has more. */
  pump(): void {
    const reader = this.#reader;
    if (reader === undefined) return;
    // More of the body is no sign of life of the peer's: only what it takes moves its deadline.
    if (this.#socket.writableNeedDrain && this.#deadline !== NEVER) return;
    while (!this.#socket.writableNeedDrain) {
      const part = reader.read();
      if (part === "pending") {
        this.#deadline = NEVER;
        return;
      }
      if (part === "truncated") {
        // RFC 9112 §8: cut, so that the client cannot take what it has for the whole.
        this.#socket.resetAndDestroy();
        return;
      }
      if (part === "end") {
        if (this.#chunked) this.#socket.write("0\r\n\r\n", "latin1");
        this.close();
        this.#written();
        return;
      }
      this.#writePart(part);
    }
    this.#deadline = this.#clock.now() + WRITE_STALL_TIMEOUT_MS;
  }

  /** Whether the peer reads nothing, or so little that others, who wait for it, starve. */
  isTooSlow(now: number): boolean {
    return now >= this.#deadline || this.#holdsUpOthers(now);
  }

  close(): void {
    this.#reader?.close();
    this.#reader = undefined;
    this.#deadline = NEVER;
    this.#holdingUp = undefined;
  }

  #holdsUpOthers(now: number): boolean {
    const reader = this.#reader;
    if (reader?.holdsUpOthers !== true) {
      this.#holdingUp = undefined;
      return false;
    }
    const { position } = reader;
    const { since, position: before } = this.#holdingUp ?? { since: now, position };
    if (position - before >= HELD_UP_BYTES_MIN) this.#holdingUp = { since: now, position };
    else this.#holdingUp = { since, position: before };
    return now - this.#holdingUp.since >= WRITE_STALL_TIMEOUT_MS;
  }

  #writePart(part: Buffer): void {
    if (!this.#chunked) {
      this.#socket.write(part);
      return;
    }
    this.#socket.cork();
    this.#socket.write(`${part.length.toString(16)}\r\n`, "latin1");
    this.#socket.write(part);
    this.#socket.write("\r\n", "latin1");
    this.#socket.uncork();
  }
}

const LENGTH_BYTES = 2;

/** Messages of a TCP connection, each behind its length (RFC 1035 §4.2.2). */
export class MessageReader {
  readonly #bytesMax: number;
  #waiting = Buffer.alloc(0);
  #isOverfull = false;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** One was announced that is longer than any that is taken: nothing after it is read. */
  get isOverfull(): boolean {
    return this.#isOverfull;
  }

  /** Takes what came, and gives the messages that are whole by now. */
  read(chunk: Buffer): readonly Buffer[] {
    if (this.#isOverfull) return [];
    const messages: Buffer[] = [];
    let rest = this.#waiting.length === 0 ? chunk : Buffer.concat([this.#waiting, chunk]);
    while (rest.length >= LENGTH_BYTES) {
      const length = rest.readUInt16BE(0);
      if (length > this.#bytesMax) {
        this.#isOverfull = true;
        rest = Buffer.alloc(0);
        break;
      }
      if (rest.length < LENGTH_BYTES + length) break;
      messages.push(rest.subarray(LENGTH_BYTES, LENGTH_BYTES + length));
      rest = rest.subarray(LENGTH_BYTES + length);
    }
    this.#waiting = Buffer.from(rest);
    return messages;
  }
}

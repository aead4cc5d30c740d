import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import type { Room } from "../cache/content-reader.ts";
import { COPIED_BYTES_MAX, PLAIN_BATCH_BYTES, SLAB_BYTES, TLS_BATCH_BYTES } from "../limits.ts";
import type { Slab, Slabs } from "./slabs.ts";

const NOTHING = Buffer.alloc(0);

/** Room for less is not worth a read of what is longer: what is in the slab leaves first. */
const ROOM_BYTES_MIN = 64 * 1024;

/**
 * What goes out on one connection. Heads, frames and small bodies are put together in a slab and
 * leave in one write when the batch is flushed; what is larger is written from where it is.
 */
export class Output implements Room {
  readonly #socket: Socket;
  readonly #slabs: Slabs;
  readonly #isTls: boolean;
  /** The part of a slab that is being put together. */
  #slab: Slab | undefined;
  #start = 0;
  #end = 0;
  #corked = false;
  /** Somebody may have put octets behind what is there. */
  #isOpen = false;
  /** Of a body that is kept anyway, as much as one write should have. */
  readonly batchBytesMax: number;

  constructor(socket: Socket, slabs: Slabs) {
    this.#socket = socket;
    this.#slabs = slabs;
    this.#isTls = socket instanceof TLSSocket;
    this.batchBytesMax = this.#isTls ? TLS_BATCH_BYTES : PLAIN_BATCH_BYTES;
  }

  /** Whether the peer has to read before there should be more. Known of what has been flushed. */
  get isFull(): boolean {
    return this.#socket.writableNeedDrain;
  }

  /** Adds text of one octet a character, of any length. */
  text(text: string): void {
    if (text.length > SLAB_BYTES) {
      this.bytes(Buffer.from(text, "latin1"));
      return;
    }
    const slab = this.reserve(text.length);
    slab.write(text, this.#end, "latin1");
    this.#end += text.length;
    this.#commit();
  }

  open(bytes: number): Buffer {
    const slab = this.reserve(Math.min(bytes, ROOM_BYTES_MIN));
    this.#isOpen = true;
    return slab.subarray(this.#end, Math.min(SLAB_BYTES, this.#end + this.batchBytesMax));
  }

  /**
   * Adds octets. Those that were put where `open` said are not copied; others that are not must not
   * change until they are written.
   */
  bytes(bytes: Buffer): void {
    if (this.#isOpen && this.#isAtEnd(bytes)) {
      this.advance(this.#end + bytes.length);
      return;
    }
    if (bytes.length > COPIED_BYTES_MAX) {
      this.#cork();
      this.#writeSlab();
      this.#socket.write(bytes);
      return;
    }
    const slab = this.reserve(bytes.length);
    bytes.copy(slab, this.#end);
    this.#end += bytes.length;
    this.#commit();
  }

  /**
   * Room for `bytes` octets, at most `SLAB_BYTES`, to be written at `at` of the buffer that this
   * answers, and then counted by `advance`.
   */
  reserve(bytes: number): Buffer {
    const open = this.#slab;
    if (open !== undefined && open.used === this.#end && this.#end + bytes <= SLAB_BYTES) {
      return open.bytes;
    }
    // The slab is full, or somebody else has written behind us: what is there is one write.
    if (open !== undefined) {
      this.#cork();
      this.#writeSlab();
    }
    const slab = this.#slabs.withRoom(bytes);
    slab.pending += 1;
    this.#slab = slab;
    this.#start = slab.used;
    this.#end = slab.used;
    return slab.bytes;
  }

  /** Where in the reserved buffer the next octet goes. */
  get at(): number {
    return this.#end;
  }

  /** The octets up to `end` of the reserved buffer have been written. */
  advance(end: number): void {
    this.#isOpen = false;
    this.#end = end;
    this.#commit();
  }

  /** Hands everything to the socket. */
  flush(): void {
    this.#writeSlab();
    if (!this.#corked) return;
    this.#corked = false;
    this.#socket.uncork();
  }

  #isAtEnd({ buffer, byteOffset }: Buffer): boolean {
    const slab = this.#slab?.bytes;
    return (
      slab !== undefined && buffer === slab.buffer && byteOffset === slab.byteOffset + this.#end
    );
  }

  #commit(): void {
    if (this.#slab !== undefined) this.#slab.used = this.#end;
  }

  /** More than one write makes up this batch: they leave together. */
  #cork(): void {
    if (this.#corked) return;
    this.#corked = true;
    this.#socket.cork();
  }

  #writeSlab(): void {
    const slab = this.#slab;
    if (slab === undefined) return;
    this.#slab = undefined;
    if (this.#end === this.#start) {
      slab.written();
      return;
    }
    const part = slab.bytes.subarray(this.#start, this.#end);
    if (this.#corked || this.#socket.writableLength > 0) {
      this.#socket.write(part, slab.written);
      return;
    }
    // To be called back costs a tick. The kernel takes nearly all at once; and what goes straight to
    // TLS is encrypted, or copied, before `write` returns (test/unit/edge/tls/write.test.ts).
    this.#socket.write(part);
    if (this.#isTls || this.#socket.writableLength === 0) slab.written();
    else this.#socket.write(NOTHING, slab.written);
  }
}

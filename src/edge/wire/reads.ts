import { Socket } from "node:net";
import { READ_BYTES } from "../limits.ts";

/**
 * Node gives each read of an accepted socket 64 KiB of new memory and an ArrayBuffer, which is a tenth
 * of what a hit costs. Sockets that `net.connect` makes may be read into one buffer (`onread`); it
 * does not offer that for sockets that are accepted, though they work alike (docs/adr/0009).
 */
const PROBE = Buffer.alloc(1);
const probe = new Socket({ onread: { buffer: PROBE, callback: ignore } });
const BUFFER = symbolOf(PROBE);
const CALLBACK = symbolOf(ignore);

/** Of all connections of this process: what is in it has been used, or copied, before the next read. */
const shared = Buffer.allocUnsafeSlow(READ_BYTES);

/** Reads a connection: `onRead` has to use what it is given, or to copy it, before it returns. */
export function readFrom(socket: Socket, onRead: (octets: Buffer) => void): void {
  if (!readShared(socket, onRead)) socket.on("data", onRead);
}

interface Handle {
  useUserBuffer?(buffer: Uint8Array): void;
}

/**
 * Has what comes on a socket read into memory that all sockets share. The socket's "end" stays as it
 * is. False if this Node cannot: then nothing was done.
 */
export function readShared(socket: Socket, onRead: (octets: Buffer) => void): boolean {
  const inner = socket as unknown as Record<symbol, unknown> & { readonly _handle?: Handle | null };
  const handle = inner._handle;
  if (BUFFER === undefined || CALLBACK === undefined) return false;
  if (typeof handle?.useUserBuffer !== "function" || socket.readableLength > 0) return false;
  inner[BUFFER] = shared;
  inner[CALLBACK] = (length: number): boolean => {
    onRead(shared.subarray(0, length));
    return true;
  };
  handle.useUserBuffer(shared);
  // Without a listener for "data" nothing else sets it going, and "end" would never come.
  socket.resume();
  return true;
}

function symbolOf(value: unknown): symbol | undefined {
  const inner = probe as unknown as Record<symbol, unknown>;
  return Object.getOwnPropertySymbols(probe).find((symbol) => inner[symbol] === value);
}

function ignore(): boolean {
  return true;
}

import type { Socket } from "node:net";

/**
 * Reads what a connection begins with until `recognise` can tell what it is, and calls `recognised`
 * once; what was read is in the socket no more. A client that ends before that wants nothing.
 */
export function readFirstOctets<D>(
  socket: Socket,
  recognise: (received: Buffer) => D | undefined,
  recognised: (decision: D, received: Buffer) => void,
): void {
  let received: Buffer | undefined;
  const onReadable = (): void => {
    const more = socket.read() as Buffer | null;
    if (more === null) return;
    received = received === undefined ? more : Buffer.concat([received, more]);
    const decision = recognise(received);
    if (decision === undefined) return;
    socket.off("readable", onReadable);
    socket.off("end", onEnd);
    recognised(decision, received);
  };
  const onEnd = (): void => {
    socket.destroy();
  };
  socket.on("readable", onReadable);
  socket.on("end", onEnd);
}

import type { Server } from "node:http";
import { SHUTDOWN_GRACE_MS } from "./limits.ts";

/** So often is looked for connections that have become idle meanwhile. */
const LOOK_EVERY_MS = 50;

/** Takes no more connections, and lets what is in flight end, for `SHUTDOWN_GRACE_MS` at most. */
export async function closeGracefully(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
  const cut = setTimeout(() => server.closeAllConnections(), SHUTDOWN_GRACE_MS);
  // A connection that was answered just now is idle a moment later: look again while any is left.
  const idle = setInterval(() => server.closeIdleConnections(), LOOK_EVERY_MS);
  server.closeIdleConnections();
  await closed;
  clearTimeout(cut);
  clearInterval(idle);
}

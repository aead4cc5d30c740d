import { once } from "node:events";
import { createServer, type Server } from "node:net";
import { setTimeout as delay } from "node:timers/promises";

/** Where to listen, and the variable that an operator changes it by. */
export interface Address {
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
  readonly variable: string;
}

/** The workers of a server that was killed a moment ago need this long to notice and leave. */
const RETRY_MS = 2_000;
const RETRY_EVERY_MS = 50;

/**
 * Starts a server and says which port it got.
 * @throws Error that names the address and the variable when the port is taken or not allowed
 */
export async function listen(server: Server, address: Address): Promise<number> {
  for (let waitedMs = 0; ; waitedMs += RETRY_EVERY_MS) {
    try {
      server.listen({ host: address.host, port: address.port });
      await once(server, "listening");
      const bound = server.address();
      if (bound === null || typeof bound === "string") throw new Error("Expected a TCP address");
      return bound.port;
    } catch (cause) {
      const code = (cause as NodeJS.ErrnoException).code;
      if (code !== "EADDRINUSE" || waitedMs >= RETRY_MS) throw refusal(address, code, cause);
      await delay(RETRY_EVERY_MS);
    }
  }
}

/**
 * Finds out whether nobody else listens there, and which ports 0 stands for: different ones, because
 * all are held until the last is found. Workers then share a port with SO_REUSEPORT, which alone
 * would not notice a second program on it.
 */
export async function reservePorts<const A extends readonly Address[]>(
  addresses: A,
): Promise<{ [I in keyof A]: number }> {
  await using stack = new AsyncDisposableStack();
  const ports: number[] = [];
  for (const address of addresses) {
    const server = createServer();
    ports.push(await listen(server, address));
    stack.use(server);
  }
  return ports as { [I in keyof A]: number };
}

function refusal(address: Address, code: string | undefined, cause: unknown): Error {
  const where = `${address.host} port ${address.port}`;
  const remedy = `set ${address.variable} to another one, or to 0 for any free one`;
  if (code === "EADDRINUSE") {
    return new Error(`Cannot listen on ${where}: another program does already; ${remedy}`, {
      cause,
    });
  }
  if (code === "EACCES") {
    return new Error(`Cannot listen on ${where}: not permitted for this user; ${remedy}`, {
      cause,
    });
  }
  return new Error(`Cannot listen on ${where}: ${(cause as Error).message}`, { cause });
}

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type OutgoingHttpHeaders, type RequestListener } from "node:http";
import { connect, type Socket } from "node:net";
import { manualClock } from "#clock.ts";
import { MemoryBudget } from "#edge/cache/memory-budget.ts";
import { MemoryStore } from "#edge/cache/memory-store.ts";
import { FeedFollower } from "#edge/feed-follower.ts";
import { UndiciOrigin } from "#edge/origin/undici-origin.ts";
import { Edge } from "#edge/serve.ts";
import { Listener } from "#edge/wire/listener.ts";
import type { EdgeEndpoint } from "#feed/entry.ts";

/** The endpoint that every edge under test has, and the Host it answers on. */
export const endpoint: EdgeEndpoint = {
  id: "19f06b6a-3ace-4315-b086-499a0e521b76",
  space: "static",
  region: "nyc3",
  domain: "digitaloceanspaces.com",
  ttl: 3_600,
};
export const host = "static.nyc3.cdn.spaces.localhost";

export interface EdgeUnderTest extends AsyncDisposable {
  readonly port: number;
  readonly feed: FeedFollower;
  readonly clock: ReturnType<typeof manualClock>;
  readonly store: MemoryStore;
  readonly budget: MemoryBudget;
  readonly listener: Listener;
  readonly errors: readonly unknown[];
  readonly warnings: readonly unknown[];
  purge(...patterns: string[]): void;
}

/** A worker's parts in this process, in front of an origin that `answer` plays. */
export async function startEdge(
  answer: RequestListener,
  options: { readonly memoryBytesMax?: number } = {},
): Promise<EdgeUnderTest> {
  await using stack = new AsyncDisposableStack();
  const server = createServer((incoming, response) => {
    // The edge's clock is set by hand: a Date of the real one would make everything old or new.
    response.sendDate = false;
    answer(incoming, response);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  stack.defer(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  assert(address !== null && typeof address === "object");
  const clock = manualClock(Date.UTC(2026, 10, 22, 12));
  const budget = new MemoryBudget(options.memoryBytesMax ?? 256 * 1024 * 1024);
  const store = new MemoryStore(budget);
  const origin = new UndiciOrigin({ port: address.port, secret: "s3cret" }, clock);
  stack.defer(() => origin.close());
  const feed = new FeedFollower();
  feed.apply([{ number: 1, kind: "endpoint-put", endpoint }]);
  const errors: unknown[] = [];
  const warnings: unknown[] = [];
  const log = {
    info: () => undefined,
    warn: (fields: unknown) => void warnings.push(fields),
    error: (fields: unknown) => void errors.push(fields),
  };
  const edge = new Edge({ feed, store, budget, origin, clock, log });
  const listener = new Listener({
    serve: (head, exchange) => edge.serve(head, exchange),
    clock,
    log,
  });
  const port = await listener.listen({ host: "127.0.0.1", port: 0, sharePort: false });
  stack.defer(() => listener.stop(0));
  const owned = stack.move();
  return {
    port,
    feed,
    clock,
    store,
    budget,
    listener,
    errors,
    warnings,
    purge: (...patterns) => {
      feed.apply([{ number: feed.number + 1, kind: "purge", id: endpoint.id, patterns }]);
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

export interface Received {
  readonly status: number;
  readonly fields: ReadonlyMap<string, string>;
  readonly body: Buffer;
  /** Whether the body ended as its framing says, and not by a cut. */
  readonly whole: boolean;
}

/** A client on a raw socket, which reads when it is told to. */
export class Client implements Disposable {
  readonly socket: Socket;
  #buffered = Buffer.alloc(0);
  #stirred: () => void = () => undefined;

  constructor(port: number) {
    this.socket = connect({ port, host: "127.0.0.1" });
    this.socket.on("error", () => undefined);
    for (const event of ["readable", "end", "close"]) {
      this.socket.on(event, () => this.#stirred());
    }
  }

  send(text: string): void {
    this.socket.write(text, "latin1");
  }

  get(target: string, ...lines: string[]): void {
    this.send(request("GET", target, ...lines));
  }

  /** Reads one response. A response to HEAD has no content whatever its length says. */
  async receive(method = "GET"): Promise<Received> {
    const headEnd = await this.#until(() => {
      const at = this.#buffered.indexOf("\r\n\r\n");
      return at < 0 ? undefined : at + 4;
    });
    assert(headEnd !== undefined, "the connection ended before a whole head");
    const [statusLine = "", ...lines] = this.#take(headEnd).toString("latin1").split("\r\n");
    const status = Number(statusLine.split(" ")[1]);
    const fields = new Map<string, string>();
    for (const line of lines) {
      const colon = line.indexOf(": ");
      if (colon < 0) continue;
      const name = line.slice(0, colon);
      const before = fields.get(name);
      const value = line.slice(colon + 2);
      fields.set(name, before === undefined ? value : `${before}, ${value}`);
    }
    if (method === "HEAD" || status === 304 || status === 204) {
      return { status, fields, body: Buffer.alloc(0), whole: true };
    }
    if (fields.get("transfer-encoding") === "chunked") {
      return { status, fields, ...(await this.#chunked()) };
    }
    const length = fields.get("content-length");
    const end = length === undefined ? Infinity : Number(length);
    const whole = await this.#until(() => (this.#buffered.length >= end ? end : undefined));
    return {
      status,
      fields,
      body: this.#take(whole ?? this.#buffered.length),
      whole: whole === end,
    };
  }

  /** Whether the server closes with nothing more to say. */
  async ended(): Promise<boolean> {
    await this.#until(() => (this.#buffered.length > 0 ? 0 : undefined));
    return this.#buffered.length === 0;
  }

  async #chunked(): Promise<{ body: Buffer; whole: boolean }> {
    const parts: Buffer[] = [];
    for (;;) {
      const lineEnd = await this.#until(() => {
        const at = this.#buffered.indexOf("\r\n");
        return at < 0 ? undefined : at + 2;
      });
      if (lineEnd === undefined) return { body: Buffer.concat(parts), whole: false };
      const size = Number.parseInt(this.#take(lineEnd).toString("latin1"), 16);
      const end = await this.#until(() => (this.#buffered.length >= size + 2 ? size : undefined));
      if (end === undefined) return { body: Buffer.concat(parts), whole: false };
      parts.push(this.#take(size));
      this.#take(2);
      if (size === 0) return { body: Buffer.concat(parts), whole: true };
    }
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

export function request(method: string, target: string, ...lines: string[]): string {
  return [`${method} ${target} HTTP/1.1`, `host: ${host}`, ...lines, "", ""].join("\r\n");
}

/** One request on a connection of its own. */
export async function fetchOnce(
  edge: EdgeUnderTest,
  target: string,
  ...lines: string[]
): Promise<Received> {
  using client = new Client(edge.port);
  client.get(target, ...lines);
  return await client.receive();
}

/** An origin that answers every request alike, and counts them. */
export function countingOrigin(
  headers: OutgoingHttpHeaders = {},
  status = 200,
): { readonly answer: RequestListener; fetches: number; body: string } {
  const state = {
    fetches: 0,
    body: "0123456789",
    answer: ((_incoming, response) => {
      state.fetches += 1;
      response.writeHead(status, { "content-length": state.body.length, ...headers });
      response.end(state.body);
    }) satisfies RequestListener,
  };
  return state;
}

import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { Agent, type Dispatcher, request } from "undici";
import { type Random, randomFrom } from "../soak/random.ts";
import type { Pebble } from "./pebble.ts";

/** How often, of a hundred requests. */
interface Faults {
  /** Signed requests whose nonce is refused; the CA never sees them. */
  readonly nonces?: number;
  /** Connections cut before the CA is asked. */
  readonly cutBefore?: number;
  /** Connections cut when the CA has done what it was asked: the answer is lost. */
  readonly cutAfter?: number;
}

export interface FaultyProxy extends AsyncDisposable {
  readonly caPem: string;
  /** The CA's directory, through the proxy: so are all URLs that it leads to. */
  readonly directory: string;
  /** What was asked, and when, in milliseconds of `performance.now()`. */
  readonly asked: readonly Asked[];
  set(faults: Faults): void;
  /** From now on 429 or 503 with Retry-After, to whatever is asked, until `release`. */
  hold(status: 429 | 503, retryAfter: string): void;
  release(): void;
  /**
   * Has the next request to such a path wait, before the CA hears of it or after it has answered, and
   * those that follow it there. Resolves when one waits; then the test says when they go on.
   */
  halt(path: string, when: "before" | "after"): Promise<{ readonly goOn: () => void }>;
}

export interface Asked {
  readonly at: number;
  readonly method: string;
  readonly path: string;
  /** Of a signed request, unless it only reads. */
  readonly payload?: Readonly<Record<string, unknown>>;
  /** What came of it; absent: the CA's own answer. */
  fault?: keyof Faults | "held";
  /** The CA's. */
  status?: number;
}

interface Halt {
  readonly path: string;
  readonly when: "before" | "after";
  readonly reached: () => void;
  readonly over: Promise<void>;
}

/** Between a client and Pebble: what goes wrong on the way follows from the seed. */
export async function startFaultyProxy(
  ca: Pick<Pebble, "directory" | "caPem" | "pair">,
  seed: number,
): Promise<FaultyProxy> {
  const target = new URL(ca.directory);
  const agent = new Agent({ connect: { ca: ca.caPem }, allowH2: false });
  const proxy = new Proxy(target, agent, randomFrom(seed));
  const server = createServer(ca.pair, (incoming, response) => {
    void proxy.handle(incoming, response).catch(() => response.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    caPem: ca.caPem,
    directory: `https://localhost:${port}${target.pathname}`,
    asked: proxy.asked,
    set: (faults) => {
      proxy.faults = faults;
    },
    hold: (status, retryAfter) => {
      proxy.held = { status, retryAfter };
    },
    release: () => {
      proxy.held = undefined;
    },
    halt: async (path, when) => {
      const [reached, over] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
      proxy.halt = { path, when, reached: reached.resolve, over: over.promise };
      await reached.promise;
      return {
        goOn: () => {
          proxy.halt = undefined;
          over.resolve();
        },
      };
    },
    [Symbol.asyncDispose]: () => close(server, agent),
  };
}

class Proxy {
  readonly asked: Asked[] = [];
  faults: Faults = {};
  held: { readonly status: number; readonly retryAfter: string } | undefined;
  halt: Halt | undefined;
  readonly #target: URL;
  readonly #agent: Dispatcher;
  readonly #random: Random;

  constructor(target: URL, agent: Dispatcher, random: Random) {
    this.#target = target;
    this.#agent = agent;
    this.#random = random;
  }

  async handle(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = "GET", url: path = "/" } = incoming;
    const at = performance.now();
    const body = Buffer.concat(await incoming.toArray());
    const asked: Asked = { at, method, path, ...payloadOf(body) };
    this.asked.push(asked);
    await this.#halted(path, "before");
    // Whoever has been killed meanwhile has not sent it.
    if (response.destroyed) return;
    if (this.held !== undefined) {
      const { status, retryAfter } = this.held;
      asked.fault = "held";
      problem(response, status, "rateLimited", { "retry-after": retryAfter });
    } else if (this.#happens("cutBefore", asked)) {
      response.destroy();
    } else if (method === "POST" && this.#happens("nonces", asked)) {
      problem(response, 400, "badNonce", { "replay-nonce": await this.#newNonce() });
    } else {
      const reply = await this.#forward(path, incoming, body);
      asked.status = reply.status;
      await this.#halted(path, "after");
      if (this.#happens("cutAfter", asked)) response.destroy();
      else response.writeHead(reply.status, reply.fields).end(reply.body);
    }
  }

  async #halted(path: string, when: Halt["when"]): Promise<void> {
    if (this.halt?.when !== when || !path.startsWith(this.halt.path)) return;
    this.halt.reached();
    await this.halt.over;
  }

  #happens(fault: keyof Faults, asked: Asked): boolean {
    if (this.#random.below(100) >= (this.faults[fault] ?? 0)) return false;
    asked.fault = fault;
    return true;
  }

  async #forward(path: string, { method, headers }: IncomingMessage, body: Buffer) {
    const { connection: _, "transfer-encoding": __, ...fields } = headers;
    const reply = await request(new URL(path, this.#target), {
      method: method as Dispatcher.HttpMethod,
      // The host with them: Pebble makes its URLs of it.
      headers: fields,
      dispatcher: this.#agent,
      ...(body.length > 0 && { body }),
    });
    const { connection: ___, "transfer-encoding": ____, ...answered } = reply.headers;
    return {
      status: reply.statusCode,
      fields: answered,
      body: Buffer.from(await reply.body.arrayBuffer()),
    };
  }

  async #newNonce(): Promise<string> {
    const asked = { dispatcher: this.#agent, headers: { "user-agent": "atoll-test" } };
    const directory = await request(this.#target, asked);
    const { newNonce } = (await directory.body.json()) as { readonly newNonce: string };
    const reply = await request(newNonce, { method: "HEAD", ...asked });
    await reply.body.dump();
    return String(reply.headers["replay-nonce"]);
  }
}

/** RFC 7515 §7.2.2. */
function payloadOf(body: Buffer): Pick<Asked, "payload"> {
  if (body.length === 0) return {};
  const { payload } = JSON.parse(body.toString()) as { readonly payload: string };
  if (payload === "") return {};
  return {
    payload: JSON.parse(Buffer.from(payload, "base64url").toString()) as Record<string, unknown>,
  };
}

function problem(
  response: ServerResponse,
  status: number,
  type: string,
  fields: Readonly<Record<string, string>>,
): void {
  const document = {
    type: `urn:ietf:params:acme:error:${type}`,
    detail: `The proxy says ${type}`,
    status,
  };
  response
    .writeHead(status, { "content-type": "application/problem+json", ...fields })
    .end(JSON.stringify(document));
}

async function close(server: Server, agent: Agent): Promise<void> {
  server.closeAllConnections();
  server.close();
  await once(server, "close");
  await agent.destroy();
}

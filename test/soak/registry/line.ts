import { Agent } from "node:http";
import { exchange, type Reply } from "../../support/exchange.ts";
import type { Lives } from "./lives.ts";
import type { Tally } from "./tally.ts";

const TRIES_MAX = 20;

export interface Asked {
  readonly body?: Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Thrown when an answer never came, and the server was killed meanwhile: whoever asked asks again. */
class Cut extends Error {}

/** One client's way to the registry, by Basic or by sessions. */
export class Line implements Disposable {
  readonly #lives: Lives;
  readonly #tally: Tally;
  readonly #basic: string;
  /** What its sessions are for; without any it signs in by Basic. */
  readonly #scopes: readonly string[];
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 4 });
  #session: string | undefined;

  constructor(lives: Lives, tally: Tally, token: string, scopes: readonly string[]) {
    this.#lives = lives;
    this.#tally = tally;
    this.#basic = `Basic ${Buffer.from(`soak:${token}`).toString("base64")}`;
    this.#scopes = scopes;
  }

  /** @throws Cut when the server was killed before it had answered */
  ask(method: string, target: string, { body, headers }: Asked = {}): Promise<Reply> {
    return this.guarded(async () => {
      const reply = await this.#exchange(method, target, {
        ...(body === undefined ? {} : { body }),
        headers: {
          authorization: await this.#authorization(),
          ...(body === undefined && method !== "GET" ? { "content-length": "0" } : {}),
          ...headers,
        },
      });
      this.#tally.answered(method, reply.status);
      if (reply.status === 401) this.#session = undefined;
      return reply;
    });
  }

  /** @throws Cut instead of what fails because the server was killed */
  async guarded<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#lives.turn;
    try {
      return await work();
    } catch (error) {
      if (this.#lives.isUp && this.#lives.turn === turn) throw error;
      throw new Cut("The server was killed", { cause: error });
    }
  }

  /** All of it again after a kill, until it has come to its end: so docker does, and so CI. */
  async untilDone<T>(work: (isRetry: boolean) => Promise<T>): Promise<T> {
    for (let tries = 0; ; tries += 1) {
      await this.#lives.up();
      try {
        return await work(tries > 0);
      } catch (error) {
        if (!(error instanceof Cut) || tries >= TRIES_MAX) throw error;
        this.#tally.cut += 1;
      }
    }
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }

  #exchange(method: string, target: string, asked: Asked): Promise<Reply> {
    const { registry } = this.#lives.atoll.runtime;
    return exchange(registry + target, { method, agent: this.#agent, ...asked });
  }

  async #authorization(): Promise<string> {
    if (this.#scopes.length === 0) return this.#basic;
    if (this.#session !== undefined) return this.#session;
    const query = this.#scopes.map((scope) => `scope=${encodeURIComponent(scope)}`).join("&");
    const headers = { authorization: this.#basic };
    const reply = await this.#exchange("GET", `/token?${query}`, { headers });
    const { token } = JSON.parse(reply.text) as { readonly token: string };
    this.#session = `Bearer ${token}`;
    return this.#session;
  }
}

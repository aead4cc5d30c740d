import assert from "node:assert/strict";
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import type { FeedEntry } from "#feed/entry.ts";
import type { EdgeSettings, FromWorker, SnapshotContent, ToWorker } from "#feed/message.ts";
import { endpoint } from "./support.ts";

const WORKER = new URL("../../../src/edge/worker.ts", import.meta.url);

/** A forked worker, spoken to as the control plane does. */
export class Worker implements Disposable {
  readonly process: ChildProcess = fork(WORKER, { serialization: "advanced" });
  readonly #received: FromWorker[] = [];
  #stirred: () => void = () => undefined;

  constructor() {
    this.process.on("message", (message: FromWorker) => {
      this.#received.push(message);
      this.#stirred();
    });
  }

  tell(message: ToWorker): void {
    this.process.send(message);
  }

  /** The next message, which has to be of this kind. */
  async hear<K extends FromWorker["kind"]>(kind: K): Promise<Extract<FromWorker, { kind: K }>> {
    while (this.#received.length === 0) {
      await new Promise<void>((resolve) => {
        this.#stirred = resolve;
      });
    }
    const message = this.#received.shift();
    assert.equal(message?.kind, kind);
    return message as Extract<FromWorker, { kind: K }>;
  }

  async apply(...entries: FeedEntry[]): Promise<void> {
    this.tell({ kind: "entries", entries });
    assert.equal((await this.hear("ack")).number, entries.at(-1)?.number);
  }

  [Symbol.dispose](): void {
    this.process.kill("SIGKILL");
  }
}

export function settingsOf(port: number): EdgeSettings {
  return {
    host: "127.0.0.1",
    port,
    sharePort: false,
    priorKnowledge: false,
    memoryBytesMax: 64 * 1024 * 1024,
    loopToken: "atoll-test",
    embedded: { port: 1, secret: "" },
    logLevel: "silent",
  };
}

export interface StartedWorker extends Disposable {
  readonly worker: Worker;
  readonly port: number;
  /** 0 without TLS. */
  readonly tlsPort: number;
}

/** A worker that serves, in front of an origin that answers with what it was asked for. */
export async function startWorker(
  options: Partial<EdgeSettings> & {
    readonly snapshot?: Partial<SnapshotContent>;
    readonly ticketKeys?: Uint8Array;
  } = {},
): Promise<StartedWorker> {
  const { snapshot, ticketKeys, ...settings } = options;
  const server = createServer((incoming, response) => response.end(incoming.url));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  assert(address !== null && typeof address === "object");
  const worker = new Worker();
  const embedded = { port: address.port, secret: "s3cret" };
  worker.tell({ kind: "start", settings: { ...settingsOf(0), embedded, ...settings }, slot: 0 });
  if (ticketKeys !== undefined) worker.tell({ kind: "ticket-keys", keys: ticketKeys });
  const nothing = { purges: [], certificates: [], challenges: [] };
  const content = { endpoints: [endpoint], ...nothing, ...snapshot };
  worker.tell({ kind: "snapshot", ...content });
  worker.tell({ kind: "snapshot-end", number: 7 });
  await worker.hear("loaded");
  assert.equal((await worker.hear("ack")).number, 7);
  worker.tell({ kind: "serve" });
  const listening = await worker.hear("listening");
  return {
    worker,
    port: listening.port,
    tlsPort: listening.tlsPort ?? 0,
    [Symbol.dispose]: () => {
      worker[Symbol.dispose]();
      server.closeAllConnections();
      server.close();
    },
  };
}

import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { setImmediate } from "node:timers/promises";
import { manualClock } from "#clock.ts";
import { HttpOrigin, type OriginOptions } from "#edge/origin/http-origin.ts";
import type { OriginFailure, OriginRequest, OriginResponse } from "#edge/origin/origin.ts";
import type { EdgeEndpoint } from "#feed/entry.ts";

/** Writes what the test wants to; `number` counts the requests of all connections from 1. */
export type RawAnswer = (socket: Socket, number: number) => void;

/** The edge's side towards an origin, in front of a server that says what no real one would. */
export interface OriginUnderTest extends AsyncDisposable {
  readonly url: string;
  readonly clock: ReturnType<typeof manualClock>;
  /** Heads as they came. */
  readonly requests: readonly string[];
  /** How many connections were made so far. */
  readonly connections: number;
  /** What became of bodies. */
  readonly brokenOff: readonly OriginFailure[];
  fetch(
    request?: Partial<OriginRequest>,
    signal?: AbortSignal,
  ): Promise<OriginResponse | OriginFailure>;
}

const NOBODY_LEAVES = new AbortController().signal;

export async function startOrigin(
  answer: RawAnswer,
  options: OriginOptions & Partial<Pick<EdgeEndpoint, "role">> = {},
): Promise<OriginUnderTest> {
  const { role = "proxy", ...originOptions } = options;
  const requests: string[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    sockets.add(socket);
    let head = "";
    socket.on("error", () => undefined);
    socket.on("data", (octets) => {
      head += octets.toString("latin1");
      if (!head.includes("\r\n\r\n")) return;
      requests.push(head);
      head = "";
      answer(socket, requests.length);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const clock = manualClock(Date.UTC(2026, 10, 22, 12));
  const origin = new HttpOrigin({ port: 0, secret: "" }, clock, originOptions);
  const brokenOff: OriginFailure[] = [];
  const endpoint = { ...ENDPOINT, role, upstream: { url } };
  return {
    url,
    clock,
    requests,
    brokenOff,
    get connections() {
      return connections;
    },
    fetch: (request = {}, signal = NOBODY_LEAVES) => {
      const brokeOff = (failure: OriginFailure): void => void brokenOff.push(failure);
      return origin.fetch({ ...REQUEST, endpoint, brokeOff, ...request }, signal);
    },
    [Symbol.asyncDispose]: async () => {
      await origin.close();
      for (const socket of sockets) socket.destroy();
      await server[Symbol.asyncDispose]();
    },
  };
}

export const ENDPOINT: EdgeEndpoint = {
  id: "19f06b6a-3ace-4315-b086-499a0e521b76",
  space: "static",
  region: "nyc3",
  domain: "digitaloceanspaces.com",
};

export const REQUEST = {
  method: "GET",
  target: "/a",
  requestId: "1",
  fields: [],
  informed: () => undefined,
} as const;

/** An answer with a length. */
export function ok(body: string, ...lines: readonly string[]): string {
  const head = ["HTTP/1.1 200 OK", `content-length: ${body.length}`, ...lines];
  return `${head.join("\r\n")}\r\n\r\n${body}`;
}

/** What came of a body. */
export interface ReadBody {
  readonly text: string;
  readonly isWhole: boolean;
  readonly trailers: readonly string[];
}

/** Reads a response to its end, whichever it is. */
export async function readBody({ body }: OriginResponse): Promise<ReadBody> {
  const chunks: Buffer[] = [];
  const { promise, resolve } = Promise.withResolvers<ReadBody>();
  const ended = (isWhole: boolean, trailers: readonly string[] = []): void => {
    resolve({ text: Buffer.concat(chunks).toString("latin1"), isWhole, trailers });
  };
  body.read({
    chunk: (chunk) => chunks.push(Buffer.from(chunk)) > 0,
    end: (trailers) => ended(true, trailers),
    fail: () => ended(false),
  });
  return await promise;
}

/** Fetches and reads, so that the connection is in the pool: undici takes it back a turn later. */
export async function fetchAndPool(origin: OriginUnderTest): Promise<string> {
  const response = await origin.fetch();
  assert(response.kind === "response");
  const { text } = await readBody(response);
  await setImmediate();
  await setImmediate();
  return text;
}

import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { buffer, json } from "node:stream/consumers";
import { runAtoll } from "#cli/run.ts";
import { manualClock } from "#clock.ts";

export const NOW = Date.UTC(2026, 10, 22);

/** What a request was, as the fake server saw it. */
interface Seen {
  readonly method: string;
  readonly url: URL;
  readonly headers: IncomingMessage["headers"];
  readonly body: unknown;
}

type Answer = (seen: Seen, response: ServerResponse) => void | Promise<void>;

/** A server on the wire that a test scripts: `"GET /path"` → what it answers. */
export interface FakeServer extends AsyncDisposable {
  readonly url: string;
  readonly seen: readonly Seen[];
  answer(route: string, answer: Answer | object): void;
}

export async function fakeServer(): Promise<FakeServer> {
  const answers = new Map<string, Answer | object>();
  const seen: Seen[] = [];
  const server = createServer((request, response) => {
    void handle(request, response);
  });
  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "", "http://fake");
    const isJson = request.headers["content-type"] === "application/json";
    const body: unknown = await (isJson ? json(request) : buffer(request));
    const one = { method: request.method ?? "", url, headers: request.headers, body };
    seen.push(one);
    const answer = answers.get(`${one.method} ${url.pathname}`);
    if (answer === undefined) return refuse(response, 404, "not_found", "No such thing.");
    if (typeof answer === "function") await (answer as Answer)(one, response);
    else response.end(JSON.stringify(answer));
  }
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    answer: (route, answer) => {
      answers.set(route, answer);
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await server[Symbol.asyncDispose]();
    },
  };
}

export function refuse(
  response: ServerResponse,
  status: number,
  id: string,
  message: string,
): void {
  response.writeHead(status, { "x-request-id": "req-1" });
  response.end(JSON.stringify({ id, message, request_id: "req-1" }));
}

/** Spaces in memory behind the fake server, one by the name of `site` in `nyc3`. */
export function fakeSpaces(server: FakeServer): Map<string, Uint8Array> {
  const objects = new Map<string, Uint8Array>();
  const space = { name: "site", region: "nyc3", origin: "site.nyc3.spaces.localhost" };
  const whole = { ...space, created_at: "2026-11-22T00:00:00Z", object_count: 0, size_bytes: 0 };
  const view = (key: string): object => ({
    key,
    size_bytes: objects.get(key)?.byteLength,
    etag: `"${createHash("md5")
      .update(objects.get(key) ?? "")
      .digest("hex")}"`,
    content_type: "text/plain",
    last_modified: "2026-11-22T00:00:00Z",
  });
  server.answer("GET /atoll/v1/spaces", { spaces: [whole], links: {}, meta: { total: 1 } });
  server.answer("PUT /atoll/v1/spaces/nyc3/site/object", ({ url, body }: Seen, response) => {
    const key = url.searchParams.get("key") ?? "";
    objects.set(key, body as Uint8Array);
    response.end(JSON.stringify({ object: view(key) }));
  });
  server.answer("DELETE /atoll/v1/spaces/nyc3/site/object", ({ url }: Seen, response) => {
    const isThere = objects.delete(url.searchParams.get("key") ?? "");
    if (isThere) response.writeHead(204).end();
    else refuse(response, 404, "not_found", "No such object.");
  });
  server.answer("GET /atoll/v1/spaces/nyc3/site/objects", ({ url }: Seen, response) => {
    const { prefix = "", after = "" } = Object.fromEntries(url.searchParams);
    const keys = [...objects.keys()].filter((key) => key.startsWith(prefix) && key > after);
    // Two to a page, so that every listing is more than one.
    const page = keys.toSorted().slice(0, 2);
    const next = keys.length > 2 ? { next: page.at(-1) } : {};
    response.end(JSON.stringify({ objects: page.map(view), ...next }));
  });
  return objects;
}

/** A data folder as a running server leaves it; the test process stands for the server. */
export async function dataFolder(runtime: object = {}): Promise<string> {
  const dataDir = await mkdtemp(join(tmpdir(), "atoll-cli-"));
  await writeFile(
    join(dataDir, "runtime.json"),
    JSON.stringify({ pid: process.pid, api: null, ...runtime }),
  );
  await writeFile(join(dataDir, "operator.token"), "operator-secret\n", { mode: 0o600 });
  return dataDir;
}

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command in this process, in an environment of its own. */
export async function atoll(env: NodeJS.ProcessEnv, ...argv: readonly string[]): Promise<Ran> {
  const stdout: string[] = [];
  const stderr: string[] = [];
  const code = await runAtoll(argv, {
    env,
    clock: manualClock(NOW),
    signal: new AbortController().signal,
    stdout: (line) => stdout.push(line),
    stderr: (line) => stderr.push(line),
  });
  return { code, stdout: stdout.join("\n"), stderr: stderr.join("\n") };
}

import assert from "node:assert/strict";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { kill } from "node:process";
import { after, describe, test } from "node:test";
import { ASK } from "../support/ask.ts";
import { openAuthority } from "../support/certificates.ts";
import { startEdgeAlone } from "../support/edge-alone.ts";
import { exchange, open } from "../support/exchange.ts";
import { isAlive, noProcesses } from "../support/processes.ts";
import { runAtoll } from "../support/program.ts";
import { until } from "../support/until.ts";
import { startUpstream } from "../support/upstream.ts";

const stack = new AsyncDisposableStack();
after(() => stack.disposeAsync());
const authority = stack.use(await openAuthority());
const pair = await authority.issue("127.0.0.1");
const files = await authority.filesOf(pair);
const upstream = stack.use(
  await startUpstream((request, response) => {
    response.setHeader("cache-control", "max-age=60");
    response.end(`all of ${request.url}`);
  }),
);

/** A connection on which nothing is said. */
async function openConnection(url: string): Promise<Socket> {
  const socket = connect({ port: Number(new URL(url).port), host: "127.0.0.1" });
  await once(socket, "connect");
  // One that came to nothing may be reset.
  return socket.on("error", () => undefined);
}

async function refusesConnections(url: string): Promise<boolean> {
  try {
    (await openConnection(url)).destroy();
    return false;
  } catch {
    return true;
  }
}

describe("the workers of atoll edge", { skip: noProcesses }, () => {
  test("share the port, and what one of them has fetched", async () => {
    const args = ["--workers", "2"];
    await using edge = await startEdgeAlone({ origin: upstream.url, args });
    assert.equal(edge.workers.length, 2);
    // Connections enough to reach both workers: one is missed once in 2^40 runs.
    for (let sent = 0; sent < 40; sent += 1) {
      assert.equal((await exchange(`${edge.url}/shared`)).text, "all of /shared");
    }
    assert.equal(upstream.fetches("/shared"), 1);
  });

  test("are replaced when one is killed, and the new one has the certificate", async () => {
    await using edge = await startEdgeAlone({ origin: upstream.url, files });
    const [before = 0] = edge.workers;
    kill(before, "SIGKILL");
    const answer = await until("a new worker answers", () =>
      ASK["HTTP/2"](`${edge.tlsUrl}/again`, { ca: authority.caPem }).catch(() => undefined),
    );
    assert.equal(answer.text, "all of /again");
    assert(!edge.workers.includes(before));
    const line = edge.log.find(({ level }) => level === "error");
    assert.equal(line?.msg, "edge worker ended");
  });

  test("end by themselves when their parent is killed", async () => {
    await using edge = await startEdgeAlone({
      origin: upstream.url,
      args: ["--workers", "2"],
    });
    const { workers } = edge;
    await exchange(`${edge.url}/a`);
    await edge.kill(); // Waits until the workers have ended.
    assert.deepEqual(workers.filter(isAlive), []);
  });
});

describe("SIGTERM to atoll edge", () => {
  test("lets what is in flight finish, in every protocol, then ends it with 0", async () => {
    const release = Promise.withResolvers<void>();
    await using slow = await startUpstream(async (_, response) => {
      response.write("first");
      await release.promise;
      response.end("-rest");
    });
    await using edge = await startEdgeAlone({ origin: slow.url, files });
    const ca = authority.caPem;
    const begun = [await open(`${edge.url}/1`), await open(`${edge.tlsUrl}/2`, { ca })];
    const http2 = ASK["HTTP/2"](`${edge.tlsUrl}/3`, { ca });
    const inTheClear = ASK["HTTP/2"](`${edge.url}/4`);
    await until("all are asked for", () => ["/3", "/4"].every((path) => slow.fetches(path) > 0));
    const stopped = edge.stop();
    await until("new connections are refused", () => refusesConnections(edge.url));
    release.resolve();
    for (const response of begun) {
      const chunks = await response.toArray();
      assert.equal(Buffer.concat(chunks as Buffer[]).toString(), "first-rest");
    }
    for (const answer of [await http2, await inTheClear]) assert.equal(answer.text, "first-rest");
    await stopped;
  });

  test("is not held up by connections that are idle", async () => {
    await using edge = await startEdgeAlone({ origin: upstream.url, files });
    for (const url of [edge.url, edge.tlsUrl]) {
      for (let i = 0; i < 5; i += 1) await openConnection(url);
    }
    const startedAt = performance.now();
    await edge.stop();
    assert(performance.now() - startedAt < 8_000, "it waited for its grace period to end");
  });
});

describe("the access log of atoll edge", () => {
  test("has a line for every request, in each protocol", async () => {
    const file = join(files.cert, "..", "access.log");
    const ca = authority.caPem;
    {
      await using edge = await startEdgeAlone({
        origin: upstream.url,
        files,
        args: ["--access-log", file],
      });
      await ASK["HTTP/1.1"](`${edge.url}/logged/1`);
      await ASK["HTTP/1.1"](`${edge.tlsUrl}/logged/2`, { ca });
      await ASK["HTTP/2"](`${edge.url}/logged/3`);
      await ASK["HTTP/2"](`${edge.tlsUrl}/logged/4`, { ca });
    }
    const lines = (await readFile(file, "utf8")).trimEnd().split("\n");
    assert.equal(lines.length, 4);
    for (const i of [1, 2, 3, 4]) {
      assert(
        lines.some((line) => line.includes(`/logged/${i}`)),
        `/logged/${i}`,
      );
    }
  });
});

describe("atoll edge refuses to start", () => {
  const env = { PATH: "" };
  const base = ["edge", "--origin", "http://127.0.0.1:1"];

  test("on a port that is taken, in one line that names the option", async () => {
    await using other = createServer();
    other.listen(0, "127.0.0.1");
    await once(other, "listening");
    const { port } = other.address() as AddressInfo;
    const plain = await runAtoll([...base, "--port", String(port)], env);
    assert.deepEqual({ code: plain.code, stdout: plain.stdout }, { code: 1, stdout: "" });
    assert.match(plain.stderr, new RegExp(`^atoll: [^\\n]*port ${port}[^\\n]*--port[^\\n]*\\n$`));
    const tls = ["--tls-port", String(port), "--cert", files.cert, "--key", files.key];
    const secure = await runAtoll([...base, "--port", "0", ...tls], env);
    assert.equal(secure.code, 1);
    assert.match(secure.stderr, /^atoll: [^\n]*--tls-port[^\n]*\n$/);
  });

  test("with a file that is not there", async () => {
    const tls = ["--tls-port", "0", "--cert", "/nowhere/cert.pem", "--key", files.key];
    const { code, stdout, stderr } = await runAtoll([...base, "--port", "0", ...tls], env);
    assert.deepEqual({ code, stdout }, { code: 1, stdout: "" });
    assert.equal(stderr, "atoll: --cert: /nowhere/cert.pem cannot be read (ENOENT)\n");
  });
});

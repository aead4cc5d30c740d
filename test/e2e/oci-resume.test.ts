import assert from "node:assert/strict";
import { createHash, randomBytes, randomInt } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import http from "node:http";
import { join } from "node:path";
import process from "node:process";
import { after, describe, test } from "node:test";
import { startAtoll } from "../support/atoll.ts";
import { type Exchange, exchange } from "../support/exchange.ts";
import { basic, sha256 } from "../support/oci.ts";
import { TOKEN } from "../support/program.ts";
import { until } from "../support/until.ts";

const CUTS = Number(process.env["ATOLL_TEST_CUTS"] ?? 100);
const SIZE_BYTES = 2_000_000;

const atoll = await startAtoll();
after(() => atoll[Symbol.asyncDispose]());
const made = await atoll.api("POST", "/v2/registries", {
  body: { name: "acme", subscription_tier_slug: "professional" },
});
assert.equal(made.status, 201, made.text);

const authorization = basic(TOKEN);

async function ask(method: string, target: string, request: Exchange = {}) {
  const length = request.body === undefined && method !== "GET" ? { "content-length": "0" } : {};
  const reply = await exchange(atoll.runtime.registry + target, {
    method,
    ...request,
    headers: { authorization, ...length, ...request.headers },
  });
  assert(reply.status < 500, `${method} ${target}: ${reply.status} ${reply.text}`);
  return reply;
}

async function begin(): Promise<string> {
  const reply = await ask("POST", "/v2/acme/app/blobs/uploads/");
  assert.equal(reply.status, 202, reply.text);
  return reply.headers.location ?? "";
}

/** Sends a part of what it says it will send, and breaks the connection. */
async function cutOff(location: string, from: number, content: Buffer, end: number) {
  const request = http.request(atoll.runtime.registry + location, {
    method: "PATCH",
    agent: false,
    headers: {
      authorization,
      "content-length": content.byteLength - from,
      "content-range": `${from}-${content.byteLength - 1}`,
    },
  });
  request.on("error", () => undefined);
  await new Promise<void>((resolve) => {
    request.write(content.subarray(from, end), () => resolve());
  });
  const closed = new Promise((resolve) => {
    request.once("close", resolve);
  });
  request.destroy();
  await closed;
}

/** What the registry has, by its own word. */
async function received(location: string): Promise<number> {
  const reply = await ask("GET", location);
  assert.equal(reply.status, 204, reply.text);
  const last = Number(/^0-(\d+)$/.exec(String(reply.headers["range"]))?.[1]);
  return last === 0 ? 0 : last + 1;
}

async function finish(location: string, content: Buffer): Promise<void> {
  const from = await received(location);
  const reply = await ask("PUT", `${location}?digest=${sha256(content)}`, {
    body: content.subarray(from),
    headers:
      from < content.byteLength ? { "content-range": `${from}-${content.byteLength - 1}` } : {},
  });
  assert.equal(reply.status, 201, reply.text);
  const pulled = await ask("GET", `/v2/acme/app/blobs/${sha256(content)}`);
  assert.equal(Buffer.compare(pulled.body, content), 0);
}

describe("an upload that is cut off", () => {
  test(`${CUTS} times at random points, and resumed each time, ends byte-exact`, async () => {
    const content = randomBytes(SIZE_BYTES);
    const location = await begin();
    let from = 0;
    for (let cut = 0; cut < CUTS; cut += 1) {
      const end = Math.min(content.byteLength, from + randomInt(1, (2 * SIZE_BYTES) / CUTS));
      await cutOff(location, from, content, end);
      const before = from;
      // The next one waits for the one before to be over: what it says is then what stays.
      from = await received(location);
      assert(from >= before && from <= content.byteLength);
    }
    await finish(location, content);
  });

  test("goes on after the server was killed in the middle of it, and after a restart", async () => {
    const content = randomBytes(SIZE_BYTES);
    const location = await begin();
    const half = content.subarray(0, SIZE_BYTES / 2);
    const reply = await ask("PATCH", location, {
      body: half,
      headers: { "content-range": `0-${half.byteLength - 1}` },
    });
    assert.equal(reply.status, 202);
    await atoll.kill();
    await atoll.start();
    assert.equal(await received(location), half.byteLength);
    await cutOff(location, half.byteLength, content, half.byteLength + 10_000);
    await atoll.restart();
    await finish(location, content);
  });

  test("leaves nothing behind when it ends", async () => {
    const uploads = join(atoll.dataDir, "registry", "uploads");
    await until("no upload's file is left", () => readdirSync(uploads).length === 0);
  });
});

describe("two writers of one upload", () => {
  test("do not mix: what is in the blob is one of the orders in which they came", async () => {
    const location = await begin();
    const [a, b] = [Buffer.alloc(600_000, "a"), Buffer.alloc(600_000, "b")];
    const replies = await Promise.all([a, b].map((body) => ask("PATCH", location, { body })));
    assert.deepEqual(
      replies.map(({ status }) => status),
      [202, 202],
    );
    const [ab, ba] = [Buffer.concat([a, b]), Buffer.concat([b, a])];
    const digests = [ab, ba].map(sha256);
    const first = await ask("PUT", `${location}?digest=${digests[0]}`);
    // A wrong digest ends the upload, so only one can be asked for: which order it was is not ours.
    assert([201, 400].includes(first.status));
    if (first.status === 400) {
      const { errors } = JSON.parse(first.text) as { errors: { detail: { actual: string } }[] };
      assert.equal(errors[0]?.detail.actual, digests[1]);
    }
  });
});

describe("over TLS", () => {
  test("the registry has the local CA's certificate, and its realm is https", async () => {
    const home = await exchange(`${atoll.runtime.registry_tls}/v2/`, {
      ca: readFileSync(join(atoll.dataDir, "ca", "ca.pem"), "utf8"),
      servername: "localhost",
    });
    assert.equal(home.status, 401);
    const challenge = home.headers["www-authenticate"] ?? "";
    assert(challenge.startsWith(`Bearer realm="${atoll.runtime.registry_tls}/token"`), challenge);
  });
});

describe("a blob of 64 MiB", () => {
  test("streams both ways", async () => {
    const content = randomBytes(64 * 1_048_576);
    const digest = `sha256:${createHash("sha256").update(content).digest("hex")}`;
    const target = `/v2/acme/large/blobs/uploads/?digest=${digest}`;
    assert.equal((await ask("POST", target, { body: content })).status, 201);
    const pulled = await ask("GET", `/v2/acme/large/blobs/${digest}`);
    assert.equal(Buffer.compare(pulled.body, content), 0);
  });
});

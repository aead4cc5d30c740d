import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { startAtoll } from "../support/atoll.ts";
import { type Exchange, exchange } from "../support/exchange.ts";
import { TOKEN } from "../support/program.ts";
import { until } from "../support/until.ts";
import { createEndpoint, createSpace, freshName, putObject } from "../support/world.ts";

const API = "api.example.test";
const REGISTRY = "registry.example.test";
const MIB = 1024 * 1024;

const platform = {
  ATOLL_DOMAIN: "example.test",
  ATOLL_HOST: "127.0.0.1",
  ATOLL_ACME_DIRECTORY: "local",
  ATOLL_EDGE_WORKERS: "2",
};
const atoll = await startAtoll({ env: platform });
after(() => atoll[Symbol.asyncDispose]());
const ca = readFileSync(join(atoll.dataDir, "ca", "ca.pem"), "utf8");
const BEARER = { authorization: `Bearer ${TOKEN}` };

/** Over TLS at the edge, as `curl --resolve` would. */
async function ask(host: string, target: string, more: Exchange = {}) {
  const headers = { host: `${host}:${new URL(atoll.runtime.edge_tls).port}`, ...more.headers };
  return exchange(atoll.runtime.edge_tls + target, { ca, servername: host, ...more, headers });
}

describe("the API at its name, on the edge's TLS port", () => {
  test("answers as on its own, with URLs that lead back there", async () => {
    const { port } = new URL(atoll.runtime.edge_tls);
    const account = await ask(API, "/v2/account", { headers: BEARER });
    assert.equal(account.status, 200, account.text);
    for (let made = 0; made < 2; made += 1) await createSpace(atoll, freshName());
    const page = await ask(API, "/atoll/v1/spaces?per_page=1", { headers: BEARER });
    const { links } = JSON.parse(page.text) as { links: { pages: { next: string } } };
    assert.equal(links.pages.next, `https://${API}:${port}/atoll/v1/spaces?per_page=1&page=2`);
    const created = await ask(API, "/v2/cdn/endpoints", {
      method: "POST",
      headers: { ...BEARER, "content-type": "application/json" },
      body: JSON.stringify({ origin: `${freshName()}.nyc3.spaces.example.test` }),
    });
    assert.equal(created.status, 201, created.text);
  });

  test("is explained as what the control plane answers", async () => {
    const { status, text } = await ask(API, "/v2/cdn/explain", {
      method: "POST",
      headers: { ...BEARER, "content-type": "application/json" },
      body: JSON.stringify({ url: `https://${API}/v2/account` }),
    });
    assert.equal(status, 200, text);
    const { explanation } = JSON.parse(text) as { explanation: { decided: { lines: string[] }[] } };
    assert.match(explanation.decided.at(-1)?.lines.join() ?? "", /handed to the control plane/);
  });

  test("shares the port with what the edge serves", async () => {
    const space = freshName();
    await createEndpoint(atoll, `${space}.nyc3.spaces.example.test`);
    await putObject(atoll, space, "a.txt", "served");
    const host = `${space}.nyc3.cdn.spaces.example.test`;
    assert.equal((await ask(host, "/a.txt")).text, "served");
    const again = await ask(host, "/a.txt");
    assert.deepEqual([again.text, again.headers["x-cache"]], ["served", "HIT"]);
  });

  test("is sent to https by whoever asks in the clear", async () => {
    const { port } = new URL(atoll.runtime.edge_tls);
    for (const host of [API, REGISTRY]) {
      const reply = await atoll.edge(host, "/v2/?a=b", { method: "PUT", headers: BEARER });
      assert.equal(reply.status, 308);
      assert.equal(reply.headers.location, `https://${host}:${port}/v2/?a=b`);
    }
  });

  test("takes and gives bodies of 100 MiB as they come", async () => {
    const space = freshName();
    await createSpace(atoll, space);
    const { hostname, port } = new URL(atoll.runtime.edge_tls);
    const outgoing = httpsRequest({
      hostname,
      port,
      ca,
      servername: API,
      agent: false,
      method: "PUT",
      path: `/atoll/v1/spaces/nyc3/${space}/object?key=large.bin`,
      headers: { ...BEARER, host: API, "transfer-encoding": "chunked" },
    });
    const hash = createHash("md5");
    const answered = once(outgoing, "response") as Promise<[IncomingMessage]>;
    for (let sent = 0; sent < 100; sent += 1) {
      const piece = randomBytes(MIB);
      hash.update(piece);
      if (!outgoing.write(piece)) await once(outgoing, "drain");
    }
    outgoing.end();
    const [stored] = await answered;
    const text = (await stored.toArray()).join("");
    assert.equal(stored.statusCode, 200, text);
    const { object } = JSON.parse(text) as { object: { etag: string; size_bytes: number } };
    assert.deepEqual([object.size_bytes, object.etag], [100 * MIB, hash.digest("hex")]);
    const operator = readFileSync(join(atoll.dataDir, "operator.token"), "utf8").trim();
    const headers = { authorization: `Bearer ${operator}` };
    const backup = await ask(API, "/atoll/v1/backup", { headers });
    assert.equal(backup.status, 200);
    assert(backup.body.length > 100 * MIB, `${backup.body.length} bytes`);
  });

  test("is on a connection whose certificate is its own", async () => {
    const reply = await ask(API, "/v2/account", { servername: REGISTRY, headers: BEARER });
    assert.equal(reply.status, 421);
  });
});

describe("an upload through the API's name", () => {
  test("that is under way when the server is told to stop is finished first", async () => {
    await using stopping = await startAtoll({ env: platform });
    const space = freshName();
    await createSpace(stopping, space);
    const { hostname, port } = new URL(stopping.runtime.edge_tls);
    const outgoing = httpsRequest({
      hostname,
      port,
      ca: readFileSync(join(stopping.dataDir, "ca", "ca.pem"), "utf8"),
      servername: API,
      agent: false,
      method: "PUT",
      path: `/atoll/v1/spaces/nyc3/${space}/object?key=a`,
      headers: { ...BEARER, host: API, expect: "100-continue", "content-length": "10" },
    });
    outgoing.flushHeaders();
    await once(outgoing, "continue");
    outgoing.write("first");
    const stopped = stopping.stop();
    const { edge } = stopping.runtime;
    await until("nobody new is let in", () =>
      exchange(edge).then(
        () => false,
        () => true,
      ),
    );
    outgoing.end("later");
    const [response] = (await once(outgoing, "response")) as [IncomingMessage];
    response.resume();
    assert.equal(response.statusCode, 200);
    await stopped;
  });
});

describe("the registry at its name, on the edge's TLS port", () => {
  test("says where to sign in: there", async () => {
    const { port } = new URL(atoll.runtime.edge_tls);
    const reply = await ask(REGISTRY, "/v2/");
    assert.equal(reply.status, 401, reply.text);
    const realm = `realm="https://${REGISTRY}:${port}/token"`;
    assert(String(reply.headers["www-authenticate"]).includes(realm));
  });

  test("refuses an upload before its content, to who waits to be told", async () => {
    const { hostname, port } = new URL(atoll.runtime.edge_tls);
    const outgoing = httpsRequest({
      hostname,
      port,
      ca,
      servername: REGISTRY,
      agent: false,
      method: "POST",
      path: "/v2/a/b/blobs/uploads/",
      headers: { host: REGISTRY, expect: "100-continue", "content-length": "1000000000" },
    });
    let continued = false;
    outgoing.on("continue", () => {
      continued = true;
    });
    outgoing.flushHeaders();
    const [response] = (await once(outgoing, "response")) as [IncomingMessage];
    assert.deepEqual([response.statusCode, continued], [401, false]);
    outgoing.on("error", () => undefined).destroy();
  });
});

describe("the name of Spaces, whose S3 API is not there yet", () => {
  const name = "spaces.example.test";

  test("is nobody's: no handshake, no page, and no endpoint's custom domain", async () => {
    await assert.rejects(ask(name, "/"), /unrecognized name/);
    assert.equal((await atoll.edge(name, "/")).status, 404);
    const members = { origin: `${freshName()}.nyc3.${name}`, custom_domain: name };
    const taken = await atoll.api("POST", "/v2/cdn/endpoints", { body: members });
    assert.equal(taken.status, 422, taken.text);
  });
});

describe("who asks, to the API at its name", () => {
  test("is the address that connected, whatever the request says", async () => {
    await using limited = await startAtoll({
      env: { ...platform, ATOLL_RATE_LIMITS: "on", ATOLL_RATE_LIMIT_MINUTE: "5" },
    });
    const trusted = readFileSync(join(limited.dataDir, "ca", "ca.pem"), "utf8");
    const statuses: number[] = [];
    for (let tried = 1; tried <= 7; tried += 1) {
      const forged = `192.0.2.${tried}`;
      const { status } = await exchange(`${limited.runtime.edge_tls}/v2/account`, {
        ca: trusted,
        servername: API,
        headers: {
          host: API,
          authorization: "Bearer guessed",
          forwarded: `for=${forged};proto=https`,
          "x-forwarded-for": forged,
          "x-real-ip": forged,
        },
      });
      statuses.push(status);
    }
    assert.deepEqual(statuses, [401, 401, 401, 401, 401, 429, 429]);
  });
});

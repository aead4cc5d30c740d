import assert from "node:assert/strict";
import { open, rm } from "node:fs/promises";
import type { RequestListener } from "node:http";
import { describe, test } from "node:test";
import { Client } from "../client.ts";
import { Content, MIB, objectOrigin, slicesIn } from "../slices/support.ts";
import { countingOrigin, fetchOnce, request } from "../support.ts";
import { restarts, said } from "./support.ts";

describe("what is stored", () => {
  test("is a hit after a restart, with its age and all its fields", async () => {
    const headers = { etag: '"a"', "x-a": "1", "content-type": "text/plain" };
    const origin = countingOrigin(headers);
    await using under = await restarts(origin.answer);
    await under.run(async (edge) => void (await fetchOnce(edge, "/a")));
    under.clock.advance(7_000);
    await under.run(async (edge) => {
      for (let i = 0; i < 2; i += 1) {
        const { status, fields, body } = await fetchOnce(edge, "/a");
        assert.deepEqual([status, body.toString()], [200, "0123456789"]);
        assert.equal(fields.get("cache-status"), "Atoll; hit; ttl=3593");
        assert.equal(fields.get("age"), "7");
        for (const [name, value] of Object.entries(headers)) assert.equal(fields.get(name), value);
      }
      assert.equal((await fetchOnce(edge, "/a", 'if-none-match: "a"')).status, 304);
      assert.equal((await fetchOnce(edge, "/a", "range: bytes=-2")).body.toString(), "89");
    });
    assert.equal(origin.fetches, 1);
  });

  test("may be empty, have no length told, or be no 200", async () => {
    const answer: RequestListener = ({ url = "" }, response) => {
      const status = Number(/\d+$/.exec(url)?.[0] ?? 200);
      response.writeHead(status, { "cache-control": "max-age=60", etag: '"a"' });
      // Without a length it is chunked.
      if (url.endsWith("/chunked")) response.write("chunk");
      response.end();
    };
    await using under = await restarts(answer);
    const targets = ["/chunked", "/empty", "/301", "/404"];
    const answers = new Map<string, readonly unknown[]>();
    await under.run(async (edge) => {
      for (const target of targets) {
        const { status, body } = await fetchOnce(edge, target);
        answers.set(target, [status, body.toString()]);
      }
    });
    await under.run(async (edge) => {
      for (const target of targets) {
        const { status, fields, body } = await fetchOnce(edge, target);
        assert.deepEqual([status, body.toString()], answers.get(target), target);
        assert.equal(fields.get("x-cache"), "HIT", target);
      }
    });
  });

  test("is as the last 304 left it", async () => {
    const answer: RequestListener = ({ headers }, response) => {
      const isKnown = headers["if-none-match"] !== undefined;
      const fields = { etag: '"a"', "cache-control": "max-age=60", "x-seen": isKnown ? "2" : "1" };
      response.writeHead(isKnown ? 304 : 200, fields).end(isKnown ? undefined : "body");
    };
    await using under = await restarts(answer);
    await under.run(async (edge) => void (await said(edge, "/a")));
    under.clock.advance(60_000);
    await under.run(async (edge) => {
      assert.deepEqual(await said(edge, "/a"), ["REVALIDATED", "body"]);
    });
    await under.run(async (edge) => {
      const { fields, body } = await fetchOnce(edge, "/a");
      assert.deepEqual([fields.get("x-cache"), body.toString()], ["HIT", "body"]);
      assert.equal(fields.get("x-seen"), "2");
    });
  });

  test("is gone for good when something else has taken its place that is not kept", async () => {
    const origin = countingOrigin({ etag: '"a"', "cache-control": "max-age=60" });
    const headers: Record<string, string> = { etag: '"a"', "cache-control": "max-age=60" };
    const answer: RequestListener = (_incoming, response) => {
      origin.fetches += 1;
      response.writeHead(200, headers).end("body");
    };
    await using under = await restarts(answer);
    await under.run(async (edge) => void (await said(edge, "/a")));
    under.clock.advance(60_000);
    headers["cache-control"] = "no-store";
    headers["etag"] = '"b"';
    await under.run(async (edge) => void (await said(edge, "/a")));
    await under.run(async (edge) => {
      assert.equal((await said(edge, "/a"))[0], "MISS");
    });
    assert.deepEqual(await under.files(), []);
  });

  test("has its variants found again", async () => {
    let fetches = 0;
    const answer: RequestListener = ({ headers }, response) => {
      fetches += 1;
      response.writeHead(200, { vary: "accept", "cache-control": "max-age=60" });
      response.end(headers.accept);
    };
    await using under = await restarts(answer, { proxy: {} });
    const types = ["a", "b", "c"];
    await under.run(async (edge) => {
      for (const type of types) await said(edge, "/a", `accept: ${type}`);
    });
    await under.run(async (edge) => {
      for (const type of types) {
        assert.deepEqual(await said(edge, "/a", `accept: ${type}`), ["HIT", type]);
      }
      assert.deepEqual(await said(edge, "/a", "accept: d"), ["MISS", "d"]);
    });
    assert.equal(fetches, 4);
  });

  test("has its slices found again, and what is missing fetched", async () => {
    const content = new Content(5.5 * MIB);
    const origin = objectOrigin(content);
    await using under = await restarts(origin.answer);
    await under.run(async (edge) => {
      await fetchOnce(edge, "/big", `range: bytes=${MIB}-${3 * MIB - 1}`);
    });
    await under.run(async (edge) => {
      const part = await fetchOnce(edge, "/big", `range: bytes=${2 * MIB - 5}-${2 * MIB + 5}`);
      assert.equal(part.fields.get("x-cache"), "HIT");
      assert(part.body.equals(content.slice(2 * MIB - 5, 2 * MIB + 6)));
      assert.deepEqual(slicesIn(origin.asked), ["1-1", "2-2"]);
      assert((await fetchOnce(edge, "/big")).body.equals(content.slice(0)));
    });
    const { length } = origin.asked;
    await under.run(async (edge) => {
      assert((await fetchOnce(edge, "/big")).body.equals(content.slice(0)));
    });
    assert.equal(origin.asked.length, length);
  });

  test("of which a slice is missing, and another version is there by now, is cut, and is gone", async () => {
    const content = new Content(3.5 * MIB);
    const changed = new Content(3.5 * MIB, 2);
    const origin = objectOrigin(content);
    await using under = await restarts(origin.answer);
    await under.run(async (edge) => void (await fetchOnce(edge, "/big", "range: bytes=0-0")));
    Object.assign(origin, { content: changed, headers: { etag: '"b"' } });
    await under.run(async (edge) => {
      const cut = await fetchOnce(edge, "/big");
      // A reset may take with it what the client has not read yet.
      const { whole, body } = cut;
      assert(!whole && body.length <= MIB && body.equals(content.slice(0, body.length)));
    });
    await under.run(async (edge) => {
      const whole = await fetchOnce(edge, "/big");
      assert(whole.body.equals(changed.slice(0)));
      assert.equal(whole.fields.get("x-cache"), "MISS");
    });
  });

  test("is found by HEAD, which needs no body of it", async () => {
    const origin = objectOrigin(new Content(2 * MIB));
    await using under = await restarts(origin.answer);
    await under.run(async (edge) => void (await fetchOnce(edge, "/big")));
    await under.run(async (edge) => {
      using client = new Client(edge.port);
      client.send(request("HEAD", "/big"));
      const head = await client.receive("HEAD");
      assert.equal(head.fields.get("x-cache"), "HIT");
      assert.equal(head.fields.get("content-length"), String(2 * MIB));
    });
  });
});

describe("what was damaged while nobody ran", () => {
  test("by a flipped octet is a miss, and told to the log", async () => {
    const origin = countingOrigin({ etag: '"a"' });
    await using under = await restarts(origin.answer);
    await under.run(async (edge) => void (await said(edge, "/a")));
    const [path = ""] = await under.files();
    await flipLastOctet(path);
    await under.run(async (edge) => {
      assert.deepEqual(await said(edge, "/a"), ["MISS", "0123456789"]);
      assert.equal(edge.warnings.length, 1);
      assert.deepEqual(await said(edge, "/a"), ["HIT", "0123456789"]);
    });
    assert.equal(origin.fetches, 2);
  });

  test("in a slice is fetched again alone", async () => {
    const content = new Content(2.5 * MIB);
    const origin = objectOrigin(content);
    await using under = await restarts(origin.answer);
    await under.run(async (edge) => void (await fetchOnce(edge, "/big")));
    const files = await under.files();
    assert.equal(files.length, 4);
    for (const path of files) {
      if ((await sizeOf(path)) > MIB) await flipLastOctet(path);
    }
    await under.run(async (edge) => {
      assert((await fetchOnce(edge, "/big")).body.equals(content.slice(0)));
    });
    assert.deepEqual(slicesIn(origin.asked), ["whole", "0-1"]);
  });

  test("by the loss of the folder is a miss, and the edge serves on", async () => {
    const origin = countingOrigin();
    await using under = await restarts(origin.answer);
    await under.run(async (edge) => {
      await said(edge, "/a");
      // What is being written may make it anew meanwhile.
      await rm(under.folder, { recursive: true, maxRetries: 5, retryDelay: 1 });
      assert.equal((await said(edge, "/a"))[0], "HIT");
      assert.equal((await said(edge, "/b"))[0], "MISS");
      assert.equal((await said(edge, "/b"))[0], "HIT");
    });
  });
});

async function flipLastOctet(path: string): Promise<void> {
  const file = await open(path, "r+");
  const last = (await file.stat()).size - 1;
  const octet = Buffer.alloc(1);
  await file.read(octet, 0, 1, last);
  octet.writeUInt8(octet.readUInt8() ^ 1);
  await file.write(octet, 0, 1, last);
  await file.close();
}

async function sizeOf(path: string): Promise<number> {
  await using file = await open(path);
  return (await file.stat()).size;
}

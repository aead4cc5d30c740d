import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { startEdgeAlone } from "../support/edge-alone.ts";
import { exchange } from "../support/exchange.ts";
import { sendObject, startObjectOrigin } from "../support/object-origin.ts";
import { octetsOf } from "../support/octets.ts";

const MIB = 1024 * 1024;
const LENGTH = 10 * 1024 * MIB;
const FETCHED_MAX = 20 * MIB;

const stack = new AsyncDisposableStack();
after(() => stack.disposeAsync());
const folder = await mkdtemp(join(tmpdir(), "atoll-slices-"));
stack.defer(() => rm(folder, { recursive: true }));
const origin = stack.use(
  await startObjectOrigin((request, response) => {
    const name = request.url ?? "";
    const fields = { etag: `"${name}"`, "cache-control": "max-age=3600" };
    return sendObject(request, response, { name, length: LENGTH, fields });
  }),
);
const disk = join(folder, "disk");
const args = ["--workers", "1", "--disk", disk];
const edge = stack.use(await startEdgeAlone({ origin: origin.url, args }));

/** Asks for a part, and says how it was answered and how much of the object was fetched for it. */
async function ask(url: string, path: string, range: string) {
  const before = origin.sentBytes;
  // The same whatever port it is: it is in the key.
  const host = "edge.test";
  const { status, headers, body } = await exchange(url + path, { headers: { host, range } });
  return { status, headers, body, fetchedBytes: origin.sentBytes - before };
}

const LAST_MIB = [
  { how: "from its end", path: "/suffix", range: `bytes=-${MIB}` },
  { how: "by its octets", path: "/octets", range: `bytes=${LENGTH - MIB}-${LENGTH - 1}` },
  { how: "without a last octet", path: "/open", range: `bytes=${LENGTH - MIB}-` },
];

describe("the last MiB of 10 GiB", () => {
  for (const { how, path, range } of LAST_MIB) {
    test(`asked for ${how} is all that is fetched of it, and is kept`, async () => {
      const cold = await ask(edge.url, path, range);
      assert.equal(cold.status, 206);
      assert.equal(cold.headers["x-cache"], "MISS");
      assert.equal(cold.headers["content-range"], `bytes ${LENGTH - MIB}-${LENGTH - 1}/${LENGTH}`);
      assert(cold.body.equals(octetsOf(path, LENGTH - MIB, LENGTH)));
      assert(cold.fetchedBytes < FETCHED_MAX, `${cold.fetchedBytes} octets were fetched`);
      const warm = await ask(edge.url, path, range);
      assert.equal(warm.headers["x-cache"], "HIT");
      assert(warm.body.equals(cold.body));
      assert.equal(warm.fetchedBytes, 0);
    });
  }

  test("is enough to answer for how long it is, and for a part of that part", async () => {
    const [{ path, range } = { path: "", range: "" }] = LAST_MIB;
    await ask(edge.url, path, range);
    const before = origin.fetches;
    const headers = { host: "edge.test" };
    const head = await exchange(edge.url + path, { method: "HEAD", headers });
    assert.equal(head.headers["content-length"], String(LENGTH));
    const part = await ask(edge.url, path, `bytes=${LENGTH - 1_000}-${LENGTH - 901}`);
    assert(part.body.equals(octetsOf(path, LENGTH - 1_000, LENGTH - 900)));
    const several = await ask(edge.url, path, `bytes=${LENGTH - 9_000}-${LENGTH - 8_001},-5`);
    assert.match(String(several.headers["content-type"]), /^multipart\/byteranges/);
    assert(several.body.includes(octetsOf(path, LENGTH - 9_000, LENGTH - 8_000)));
    assert(several.body.includes(octetsOf(path, LENGTH - 5, LENGTH)));
    assert.equal(origin.fetches, before);
  });

  test("is there after a restart, without a fetch", async () => {
    const kept = join(folder, "kept");
    const start = () => startEdgeAlone({ origin: origin.url, args: ["--disk", kept] });
    const [{ path, range } = { path: "", range: "" }] = LAST_MIB;
    {
      await using first = await start();
      assert.equal((await ask(first.url, path, range)).status, 206);
    }
    await using second = await start();
    const { headers, body, fetchedBytes } = await ask(second.url, path, range);
    assert.equal(headers["x-cache"], "HIT");
    assert(body.equals(octetsOf(path, LENGTH - MIB, LENGTH)));
    assert.equal(fetchedBytes, 0);
  });
});

import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { after, describe, test } from "node:test";
import { SIBLING_SILENCE_MS_MAX } from "#edge/siblings/limits.ts";
import { ownerAmong } from "#edge/siblings/owner.ts";
import { exchange } from "../../../support/exchange.ts";
import { countingOrigin, endpoint, host } from "../support.ts";
import { startWorkers, TOKENS, type Workers } from "./support.ts";

const stack = new AsyncDisposableStack();
after(() => stack.disposeAsync());

const FRESH = { "cache-control": "max-age=60" };

/** Something that listens on a port, and what was sent to it. */
async function listener(answer: (socket: Socket) => void) {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket.on("error", () => undefined));
    answer(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  stack.defer(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, sockets };
}

/** In the place of the owner of a target, for who asks it. */
function putInPlace(workers: Workers, target: string, port: number): void {
  const { slot } = workers.ownerOf(target);
  workers.otherOf(target).siblings.update([{ slot, port }]);
}

/** An answer as a sibling gives it, of which this content comes. */
function answerText(token: string, content: string, length = content.length): string {
  const fields = ["etag", '"1"', "cache-control", "max-age=60"];
  const times = { requestTime: 0, responseTime: 0 };
  const answer = { kind: "response", status: 200, fields, length, ...times };
  return (
    `HTTP/1.1 200 OK\r\ncontent-length: ${length}\r\n` +
    `x-atoll-token: ${token}\r\nx-atoll-answer: ${JSON.stringify(answer)}\r\n\r\n${content}`
  );
}

describe("a worker whose sibling", () => {
  test("is dead goes to the origin at once", async () => {
    const origin = countingOrigin(FRESH);
    await using workers = await startWorkers(origin.answer);
    await workers.ownerOf("/a").endDoor();
    const other = workers.otherOf("/a");
    assert.equal((await other.get("/a")).fields["x-cache"], "MISS");
    assert.equal((await other.get("/a")).fields["x-cache"], "HIT");
    assert.deepEqual(other.siblings.counts, { asked: 1, answered: 0, failed: 1, broken: 0 });
  });

  test("is stuck goes to the origin after a second, and leaves it alone for a while", async () => {
    const origin = countingOrigin(FRESH);
    await using workers = await startWorkers(origin.answer);
    const stuck = await listener(() => undefined);
    putInPlace(workers, "/a", stuck.port);
    const { get } = workers.otherOf("/a");
    assert.equal((await get("/a")).text, "0123456789");
    assert.equal((await get("/a?again")).text, "0123456789");
    assert.equal(stuck.sockets.size, 1);
  });

  test("takes long over an origin that does waits for it", async () => {
    let fetches = 0;
    await using workers = await startWorkers((_incoming, response) => {
      fetches += 1;
      setTimeout(() => response.writeHead(200, FRESH).end("a"), SIBLING_SILENCE_MS_MAX + 200);
    });
    assert.equal((await workers.otherOf("/a").get("/a")).text, "a");
    assert.equal(fetches, 1);
  });

  test("is gone, and a stranger has its port, does not believe the stranger", async () => {
    const origin = countingOrigin(FRESH);
    await using workers = await startWorkers(origin.answer);
    // It has seen the asker's token, and can show no other.
    const stranger = await listener((socket) => {
      socket.on("data", () => socket.write(answerText(TOKENS.ask, "wrong")));
    });
    putInPlace(workers, "/a", stranger.port);
    assert.equal((await workers.otherOf("/a").get("/a")).text, "0123456789");
    assert.equal(stranger.sockets.size, 1);
  });

  test("dies in the middle of a small body gets the rest from the origin", async () => {
    const asked: unknown[] = [];
    await using workers = await startWorkers((incoming, response) => {
      const { range, "if-range": condition } = incoming.headers;
      asked.push([range, condition]);
      const fields = { ...FRESH, etag: '"1"', "content-range": "bytes 4-9/10" };
      response.writeHead(206, fields).end("456789");
    });
    const dying = await listener((socket) => {
      socket.once("data", () => socket.end(answerText(TOKENS.answer, "0123", 10)));
    });
    putInPlace(workers, "/a", dying.port);
    const { get } = workers.otherOf("/a");
    assert.equal((await get("/a")).text, "0123456789");
    assert.deepEqual(asked, [["bytes=4-", '"1"']]);
    assert.equal((await get("/a")).text, "0123456789");
  });

  for (const { what, hasRanges, isChunked } of [
    { what: "the rest", hasRanges: true, isChunked: false },
    { what: "the rest of a body without a length", hasRanges: true, isChunked: true },
    { what: "all of it once more", hasRanges: false, isChunked: false },
  ]) {
    test(`dies in the middle of a long body that nobody keeps gets ${what} from the origin`, async () => {
      const content = Buffer.alloc(3 * 1024 * 1024, "0123456789").toString();
      const { length } = content;
      const fields = { etag: '"1"', "cache-control": "no-store" };
      await using workers = await startWorkers((incoming, response) => {
        if (!hasRanges) return response.writeHead(200, fields).end(content);
        const first = Number(/^bytes=(\d+)-$/.exec(incoming.headers.range ?? "")?.[1]);
        const range = `bytes ${first}-${length - 1}/${length}`;
        return response
          .writeHead(206, { ...fields, "content-range": range })
          .end(content.slice(first));
      });
      const dying = await listener((socket) => {
        const said = answerText(TOKENS.answer, content.slice(0, 1_500_000), length);
        const begun = said.replace("max-age=60", "no-store");
        const unknown = begun.replace(`"length":${length}`, '"length":"chunked"');
        socket.once("data", () => socket.end(isChunked ? unknown : begun));
      });
      putInPlace(workers, "/a", dying.port);
      const { text, fields: got } = await workers.otherOf("/a").get("/a");
      assert.equal(got["cache-status"], "Atoll; fwd=uri-miss; detail=no-store");
      assert(text === content, `${text.length} octets came`);
    });
  }

  test("dies in the middle of what has changed since is cut off with it", async () => {
    await using workers = await startWorkers((_incoming, response) => {
      response.writeHead(200, { ...FRESH, etag: '"2"' }).end("9876543210");
    });
    const dying = await listener((socket) => {
      socket.once("data", () => socket.end(answerText(TOKENS.answer, "0123", 10)));
    });
    putInPlace(workers, "/a", dying.port);
    const { url } = workers.otherOf("/a");
    await assert.rejects(exchange(`${url}/a`, { headers: { host } }), { message: "aborted" });
  });

  test("has come back on another port asks it there", async () => {
    const origin = countingOrigin(FRESH);
    await using workers = await startWorkers(origin.answer);
    const before = await listener((socket) => void socket.destroy());
    putInPlace(workers, "/a", before.port);
    const other = workers.otherOf("/a");
    other.siblings.update([workers.ownerOf("/a").address]);
    assert.equal((await other.get("/a")).fields["x-cache"], "MISS");
    assert.equal((await workers.ownerOf("/a").get("/a")).fields["x-cache"], "HIT");
    assert.equal(before.sockets.size, 0);
  });

  test("cannot be told all that the client said goes to the origin", async () => {
    const origin = countingOrigin(FRESH);
    await using workers = await startWorkers(origin.answer, { proxy: true });
    const other = workers.otherOf("/a");
    // Each of these characters is escaped in a question.
    const { status } = await other.get("/a", { "x-long": '"'.repeat(16_000) });
    assert.deepEqual([status, other.siblings.counts.asked, origin.fetches], [200, 0, 1]);
  });
});

describe("a worker that is asked", () => {
  test("asks no other, whoever it thinks is the owner", async () => {
    const origin = countingOrigin(FRESH);
    await using workers = await startWorkers(origin.answer);
    const asked = workers.ownerOf("/a");
    const third = await listener((socket) => void socket.destroy());
    const key = `${endpoint.id} /a`;
    const slot = [2, 3, 4, 5, 6, 7, 8, 9].find(
      (candidate) => ownerAmong(key, [asked.slot, candidate]) === candidate,
    );
    assert(slot !== undefined);
    asked.siblings.update([{ slot, port: third.port }]);
    assert.equal((await workers.otherOf("/a").get("/a")).text, "0123456789");
    assert.equal(third.sockets.size, 0);
    assert.equal(origin.fetches, 1);
  });

  test("answers nobody who does not show that it is a sibling", async () => {
    await using workers = await startWorkers(countingOrigin(FRESH).answer);
    const { port } = workers.ownerOf("/a").address;
    const ask = (headers: Record<string, string>) =>
      exchange(`http://127.0.0.1:${port}/`, { headers }).then(({ status }) => status);
    assert.equal(await ask({}), 403);
    assert.equal(await ask({ "x-atoll-token": TOKENS.answer }), 403);
    assert.equal(await ask({ "x-atoll-token": `${TOKENS.ask.slice(0, -1)}!` }), 403);
    assert.equal(await ask({ "x-atoll-token": TOKENS.ask, "x-atoll-question": "{" }), 400);
  });
});

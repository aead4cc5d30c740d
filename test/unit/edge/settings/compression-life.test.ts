import assert from "node:assert/strict";
import type { RequestListener } from "node:http";
import { Transform } from "node:stream";
import { describe, test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { BrotliCompress } from "node:zlib";
import { COMPRESSIONS_MAX, COMPRESSIONS_WAITING_MAX } from "#edge/coding/limits.ts";
import { Client } from "../client.ts";
import {
  ask,
  askFor,
  compress,
  decoded,
  startCompressing,
  TEXT,
  watchEncoders,
  words,
} from "../coding/support.ts";
import {
  type EdgeUnderTest,
  endpoint,
  request,
  roundTrip,
  startEdge,
  waitingOrigin,
} from "../support.ts";

const MIB = 1024 * 1024;

/** An origin whose content a test changes, and which confirms what has not changed. */
function changingOrigin() {
  const state = {
    text: TEXT,
    etag: '"1"',
    headers: {} as Readonly<Record<string, string>>,
    isDown: false,
    fetches: 0,
    confirmed: 0,
    answer: ((incoming, response) => {
      state.fetches += 1;
      const { etag, headers } = state;
      if (state.isDown) {
        incoming.socket.destroy();
        return;
      }
      const isKnown = incoming.headers["if-none-match"] === etag;
      if (isKnown) state.confirmed += 1;
      response.writeHead(isKnown ? 304 : 200, {
        etag,
        "cache-control": "max-age=60",
        ...(isKnown ? {} : { "content-type": "text/html", "content-length": state.text.length }),
        ...headers,
      });
      response.end(isKnown ? "" : state.text);
    }) satisfies RequestListener,
  };
  return state;
}

async function startChanging(): Promise<{
  readonly edge: EdgeUnderTest;
  readonly origin: ReturnType<typeof changingOrigin>;
}> {
  const origin = changingOrigin();
  const edge = await startEdge(origin.answer);
  compress(edge);
  return { edge, origin };
}

describe("a coded variant", () => {
  test("is made once for all who ask for it at once", async (context) => {
    const encoders = watchEncoders(context);
    const { edge, origin } = await startCompressing();
    await using _ = edge;
    const accepted = ["br", "br", "br", "gzip", "identity", "br"];
    const replies = await Promise.all(accepted.map((each) => ask(edge, each)));
    for (const reply of replies) assert.equal(decoded(reply), TEXT);
    assert.deepEqual(
      replies.map(({ fields }) => fields.get("content-encoding")),
      ["br", "br", "br", "gzip", undefined, "br"],
    );
    assert.deepEqual([encoders.made, origin.fetches], [1, 1]);
  });

  test("is confirmed with what it was made of, and takes over what the 304 says", async (context) => {
    const encoders = watchEncoders(context);
    const { edge, origin } = await startChanging();
    await using _ = edge;
    await ask(edge, "br");
    origin.headers = { "cache-control": "max-age=90", "x-new": "1" };
    edge.clock.advance(61_000);
    const confirmed = await ask(edge, "br");
    assert.equal(confirmed.fields.get("x-cache"), "REVALIDATED");
    edge.clock.advance(89_000);
    const hit = await ask(edge, "br");
    assert.equal(hit.fields.get("x-cache"), "HIT");
    assert.equal(hit.fields.get("age"), "89");
    for (const reply of [confirmed, hit]) {
      assert.equal(reply.fields.get("content-encoding"), "br");
      assert.equal(reply.fields.get("etag"), 'W/"1"');
      assert.equal(reply.fields.get("x-new"), "1");
      assert.equal(decoded(reply), TEXT);
    }
    assert.deepEqual([encoders.made, origin.fetches, origin.confirmed], [1, 2, 1]);
  });

  test("is not for one to whom alone it is confirmed", async () => {
    const { edge, origin } = await startChanging();
    await using _ = edge;
    await ask(edge, "br");
    origin.headers = { "cache-control": "private" };
    edge.clock.advance(61_000);
    const { fields, body } = await ask(edge, "br");
    assert.equal(origin.confirmed, 1);
    assert.equal(fields.get("content-encoding"), undefined);
    assert.equal(body.toString(), TEXT);
  });

  test("goes when what it was made of is replaced", async (context) => {
    const encoders = watchEncoders(context);
    const { edge, origin } = await startChanging();
    await using _ = edge;
    await ask(edge, "br");
    Object.assign(origin, { text: words(5_000), etag: '"2"' });
    edge.clock.advance(61_000);
    // Replaced for one who takes no coding: whoever comes then finds a variant of what was before.
    await ask(edge, undefined);
    const hit = await ask(edge, "br");
    assert.equal(hit.fields.get("x-cache"), "HIT");
    assert.equal(hit.fields.get("etag"), 'W/"2"');
    assert.equal(decoded(hit), words(5_000));
    assert.equal(encoders.made, 2);
  });

  test("goes although the new content is as long, and says the same of itself", async () => {
    const { edge, origin } = await startChanging();
    await using _ = edge;
    await ask(edge, "br");
    const reversed = Array.from(TEXT).toReversed().join("");
    Object.assign(origin, { text: reversed });
    // As if it had been evicted: nothing but the octets tells the one from the other.
    edge.store.delete(`${endpoint.id} /a`);
    assert.equal(decoded(await ask(edge, "br")), reversed);
  });

  test("is made no second time of what comes again as it was", async (context) => {
    const encoders = watchEncoders(context);
    const { edge, origin } = await startChanging();
    await using _ = edge;
    await ask(edge, "br");
    origin.etag = '"2"';
    edge.clock.advance(61_000);
    const { fields } = await ask(edge, "br");
    assert.deepEqual([fields.get("x-cache"), fields.get("etag")], ["MISS", 'W/"2"']);
    assert.deepEqual([encoders.made, origin.confirmed], [1, 0]);
  });

  for (const pattern of ["/a", "*", "tag:news"]) {
    test(`is purged with what it was made of by ${pattern}`, async (context) => {
      const encoders = watchEncoders(context);
      const { edge, origin } = await startChanging();
      await using _ = edge;
      origin.headers = { "cache-tag": "news" };
      await ask(edge, "br");
      edge.purge(pattern);
      for (const accepted of ["br", undefined])
        assert.equal(decoded(await ask(edge, accepted)), TEXT);
      // The octets are the same again; who purges does not trust what was made of them.
      assert.deepEqual([encoders.made, origin.fetches], [2, 2]);
    });
  }

  test("is stale by a soft purge, and still served while what it was made of is confirmed", async (context) => {
    const encoders = watchEncoders(context);
    const { edge, origin } = await startChanging();
    await using _ = edge;
    await ask(edge, "br");
    const soft = { kind: "purge", id: endpoint.id, patterns: ["/a"], soft: true } as const;
    edge.feed.apply([{ number: edge.feed.number + 1, ...soft }]);
    const stale = await ask(edge, "br");
    assert.equal(stale.fields.get("x-cache"), "STALE");
    assert.equal(decoded(stale), TEXT);
    while (origin.confirmed === 0) await roundTrip(edge);
    await roundTrip(edge);
    const hit = await ask(edge, "br");
    assert.equal(hit.fields.get("content-encoding"), "br");
    assert.equal(encoders.made, 1);
  });

  test("stands in for an origin that is away", async () => {
    const { edge, origin } = await startChanging();
    await using _ = edge;
    await ask(edge, "br");
    origin.isDown = true;
    edge.clock.advance(61_000);
    // Asked for in another coding, it is made of what is stale.
    for (const accepted of ["br", "gzip", undefined]) {
      const reply = await ask(edge, accepted);
      assert.equal(reply.fields.get("x-cache"), "STALE");
      assert.equal(reply.fields.get("content-encoding"), accepted);
      assert.equal(decoded(reply), TEXT);
    }
  });
});

/** Encoders that are never done. */
function stuckEncoder(): BrotliCompress {
  return new Transform({ transform: () => undefined }) as unknown as BrotliCompress;
}

describe("who would have to wait for long gets what is stored as it is", () => {
  test("where too much is being compressed", async (context) => {
    const { edge, origin } = await startCompressing();
    await using _ = edge;
    const targets = Array.from(
      { length: COMPRESSIONS_MAX + COMPRESSIONS_WAITING_MAX + 1 },
      (_each, i) => `GET /${i}` as const,
    );
    for (const target of targets) await askFor(edge, target, undefined);
    const encoders = watchEncoders(context, stuckEncoder);
    context.mock.timers.enable({ apis: ["setTimeout"] });
    using client = new Client(edge.port);
    const waiting = targets.slice(0, -1).map((target) => askFor(edge, target, "br"));
    while (encoders.made < COMPRESSIONS_MAX) await roundTrip(edge);
    // None is free and none may wait: at once.
    client.send(request("GET", "/66", "accept-encoding: br"));
    const refused = await client.receive();
    assert.equal(refused.fields.get("content-encoding"), undefined);
    assert.equal(refused.fields.get("vary"), "accept-encoding");
    assert.equal(refused.body.toString(), TEXT);
    // Those in the queue wait no longer than 100 ms, those in an encoder no longer than 1 s.
    edge.clock.advance(5_000);
    context.mock.timers.tick(100);
    context.mock.timers.tick(900);
    for (const reply of await Promise.all(waiting)) {
      assert.equal(reply.fields.get("content-encoding"), undefined);
      assert.equal(reply.fields.get("age"), "5");
      assert.equal(reply.body.toString(), TEXT);
    }
    assert.deepEqual([encoders.made, origin.fetches], [COMPRESSIONS_MAX, targets.length]);
  });

  test("where the origin is slow", async (context) => {
    const origin = waitingOrigin();
    await using edge = await startEdge(origin.answer);
    compress(edge);
    context.mock.timers.enable({ apis: ["setTimeout"] });
    const asked = ask(edge, "br");
    const { response } = await origin.next();
    response.writeHead(200, { "content-type": "text/css", "content-length": TEXT.length });
    response.write(TEXT.slice(0, 100));
    await roundTrip(edge);
    context.mock.timers.tick(1_000);
    await nextTurn();
    response.end(TEXT.slice(100));
    const reply = await asked;
    assert.equal(reply.fields.get("content-encoding"), undefined);
    assert.equal(reply.body.toString(), TEXT);
  });

  test("where it does not fit the memory, from its beginning", async (context) => {
    // At once: it is not waited for.
    context.mock.timers.enable({ apis: ["setTimeout"] });
    const origin = changingOrigin();
    await using edge = await startEdge(origin.answer, { memoryBytesMax: MIB });
    compress(edge);
    origin.text = words(MIB - 1);
    const reply = await ask(edge, "br");
    assert.equal(reply.body.toString(), origin.text);
    assert.equal(reply.fields.get("content-encoding"), undefined);
  });

  test("where the origin breaks off, which the client can tell", async () => {
    const origin = waitingOrigin();
    await using edge = await startEdge(origin.answer);
    compress(edge);
    const asked = ask(edge, "br");
    const { response } = await origin.next();
    response.writeHead(200, { "content-type": "text/css", "content-length": TEXT.length });
    response.write(TEXT.slice(0, 100));
    await roundTrip(edge);
    response.destroy();
    const reply = await asked;
    assert.equal(reply.whole, false);
    assert.equal(edge.store.size, 0);
  });

  test("where compressing fails, which is logged and not tried again", async (context) => {
    const encoders = watchEncoders(context, () => {
      throw new Error("out of memory");
    });
    const { edge } = await startCompressing();
    await using _ = edge;
    for (let i = 0; i < 3; i += 1) assert.equal((await ask(edge, "br")).body.toString(), TEXT);
    assert.deepEqual([encoders.made, edge.errors.length], [1, 1]);
    assert.equal(decoded(await ask(edge, "gzip")), TEXT);
  });
});

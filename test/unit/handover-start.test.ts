import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { startHandover } from "../../src/handover-start.ts";
import { exchange } from "../support/exchange.ts";

const DOMAIN = "example.net";

describe("the place where edges hand over", () => {
  test("is there for each host of the domain, and without one for none", async () => {
    await using stack = new AsyncDisposableStack();
    const { settings } = await startHandover({ domain: DOMAIN }, stack);
    assert.deepEqual(
      settings.map(({ name }) => name),
      ["api.example.net", "registry.example.net"],
    );
    assert.deepEqual((await startHandover({ domain: undefined }, stack)).settings, []);
  });

  test("believes what comes with the edge's secret, and refuses all else", async () => {
    await using stack = new AsyncDisposableStack();
    const handover = await startHandover({ domain: DOMAIN }, stack);
    const [host] = handover.settings;
    assert(host !== undefined);
    handover.serve("api", ({ socket }, response) => {
      const isSecured = "encrypted" in socket && socket.encrypted === true;
      response.end(`${socket.remoteAddress} ${isSecured}`);
    });
    const ask = (headers: Readonly<Record<string, string>>) =>
      exchange(`http://127.0.0.1:${host.port}/`, { headers });
    const forwarded = "for=192.0.2.1;proto=https";
    const secret = { "x-atoll-secret": host.secret };
    assert.equal((await ask({ ...secret, forwarded })).text, "192.0.2.1 true");
    const six = 'for="[2001:db8::1]";proto=http';
    assert.equal((await ask({ ...secret, forwarded: six })).text, "2001:db8::1 false");
    for (const headers of [
      {},
      { forwarded },
      { forwarded, "x-atoll-secret": "guessed" },
      secret,
      { ...secret, forwarded: "for=192.0.2.1" },
      { ...secret, forwarded: `${forwarded}, ${forwarded}` },
    ]) {
      assert.equal((await ask(headers)).status, 403, JSON.stringify(headers));
    }
  });

  test("has what comes early wait for who answers", async () => {
    await using stack = new AsyncDisposableStack();
    const handover = await startHandover({ domain: DOMAIN }, stack);
    const [, registry] = handover.settings;
    assert(registry !== undefined);
    const headers = { "x-atoll-secret": registry.secret, forwarded: "for=192.0.2.1;proto=https" };
    const early = exchange(`http://127.0.0.1:${registry.port}/`, { headers });
    handover.serve("registry", (_, response) => response.end("late"));
    assert.equal((await early).text, "late");
  });
});

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer as createHttpServer } from "node:http";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { after, describe, test } from "node:test";
import { startEdgeAlone } from "../support/edge-alone.ts";
import { exchange } from "../support/exchange.ts";

const stack = new AsyncDisposableStack();
after(() => stack.disposeAsync());

let target = "";
const relayed = new Set<Socket>();
const relay = createServer((socket) => {
  const { hostname, port } = new URL(target);
  const onward = connect(Number(port), hostname);
  for (const side of [socket, onward]) relayed.add(side.on("error", () => undefined));
  socket.pipe(onward).pipe(socket);
}).listen(0, "127.0.0.1");
await once(relay, "listening");
stack.defer(() => void relay.close());

/** Whatever the inner edge asks of its origin goes on to this URL from now on. */
function leadTo(url: string): void {
  target = url;
  for (const socket of relayed) socket.destroy();
  relayed.clear();
}

const loops: string[] = [];
const origin = createHttpServer(({ headers }, response) => {
  loops.push(String(headers["cdn-loop"]));
  response.end("ok");
}).listen(0, "127.0.0.1");
await once(origin, "listening");
stack.defer(() => void origin.close());
const inner = stack.use(await startEdgeAlone({ origin: urlOf(relay) }));
const outer = stack.use(await startEdgeAlone({ origin: inner.url, args: ["--workers", "2"] }));

describe("RFC 8586: two Atolls in a row", () => {
  test("are no loop: each has a name of its own", async () => {
    leadTo(urlOf(origin));
    const { status, text } = await exchange(`${outer.url}/a`);
    assert.deepEqual([status, text], [200, "ok"]);
    const names = (loops.at(-1) ?? "").split(", ");
    assert.equal(new Set(names).size, 2, names.join());
    for (const name of names) assert.match(name, /^atoll-[\da-f]{8}$/);
  });

  test("are one once the second has the first as its origin, whichever worker is asked", async () => {
    leadTo(outer.url);
    for (let i = 0; i < 8; i += 1) {
      const { status, text } = await exchange(`${outer.url}/loop/${i}`);
      assert.equal(status, 508, text);
    }
  });
});

function urlOf(server: Pick<Server, "address">): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

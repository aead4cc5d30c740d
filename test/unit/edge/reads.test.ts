import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { test } from "node:test";
import { readShared } from "#edge/wire/reads.ts";

/** A connection, seen from both its ends. */
async function connected(): Promise<{ client: Socket; server: Socket; close: () => void }> {
  const listener = createServer({ allowHalfOpen: true });
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  const client = connect((listener.address() as AddressInfo).port, "127.0.0.1");
  const [server] = (await once(listener, "connection")) as [Socket];
  const close = (): void => {
    client.destroy();
    server.destroy();
    listener.close();
  };
  return { client, server, close };
}

test("this Node reads accepted sockets into one buffer, all of which is given out in order", async () => {
  const { client, server, close } = await connected();
  const memories = new Set<ArrayBufferLike>();
  let text = "";
  assert.ok(
    readShared(server, (octets) => {
      memories.add(octets.buffer);
      text += octets.toString("latin1");
    }),
  );
  for (let i = 0; i < 50; i += 1) client.write(`${i} `);
  client.end("end");
  await once(server, "end");
  assert.equal(text, `${Array.from({ length: 50 }, (_, i) => i).join(" ")} end`);
  assert.equal(memories.size, 1);
  close();
});

test("a socket that is paused is not read, and goes on where it stopped", async () => {
  const { client, server, close } = await connected();
  let bytes = 0;
  let whilePaused = 0;
  let paused = false;
  const sent = 4 * 1024 * 1024;
  readShared(server, (octets) => {
    bytes += octets.length;
    if (paused) whilePaused += octets.length;
    if (bytes < 100_000 || paused) return;
    server.pause();
    paused = true;
    setImmediate(() => {
      paused = false;
      server.resume();
    });
  });
  client.end(Buffer.alloc(sent));
  await once(server, "end");
  assert.equal(bytes, sent);
  assert.equal(whilePaused, 0);
  close();
});

test("what was read before stays with the stream, and nothing is changed", async () => {
  const { client, server, close } = await connected();
  client.write("early");
  await once(server, "readable");
  assert.equal(
    readShared(server, () => assert.fail("the stream has it")),
    false,
  );
  assert.equal(String(server.read()), "early");
  close();
});

import assert from "node:assert/strict";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, test } from "node:test";
import { WebhookPost, type WebhookPostTerms } from "../../src/webhook-post.ts";

const NEVER = new AbortController().signal;

/** A receiver on this machine, and what sends to it. */
async function openReceiver(answer: RequestListener, terms: Partial<WebhookPostTerms> = {}) {
  await using stack = new AsyncDisposableStack();
  const server = stack.use(createServer(answer));
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  stack.defer(() => server.closeAllConnections());
  const post = stack.use(new WebhookPost({ anyAddress: true, ...terms }));
  const { port } = server.address() as AddressInfo;
  const owned = stack.move();
  return {
    send: (host: string) =>
      post.send({ url: `http://${host}:${port}/`, text: "{}", fields: {} }, NEVER),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

describe("what is sent to a webhook", () => {
  test("ends with the status of the answer, and a redirect is one", async () => {
    await using receiver = await openReceiver((_, reply) => {
      reply.writeHead(302, { location: "http://127.0.0.1:1/" }).end();
    });
    assert.equal(await receiver.send("127.0.0.1"), 302);
  });

  test("is given up without an answer", async () => {
    await using receiver = await openReceiver(() => undefined, { timeoutMs: 50 });
    await assert.rejects(receiver.send("127.0.0.1"), { name: "TimeoutError" });
  });

  test("was taken by who says so, however long the rest of the answer takes", async () => {
    const trickle: RequestListener = (_, reply) => {
      reply.writeHead(200);
      const drip = setInterval(() => reply.write("."), 5);
      reply.on("close", () => clearInterval(drip));
    };
    await using receiver = await openReceiver(trickle, { timeoutMs: 50 });
    assert.equal(await receiver.send("127.0.0.1"), 200);
  });

  test("does not reach this machine where strangers are served, by address or by name", async () => {
    let isReached = false;
    await using receiver = await openReceiver(
      (_, reply) => {
        isReached = true;
        reply.end();
      },
      { anyAddress: false },
    );
    for (const host of ["127.0.0.1", "localhost"]) {
      await assert.rejects(receiver.send(host), /is an address that webhooks are not sent to/);
    }
    assert.equal(isReached, false);
  });
});

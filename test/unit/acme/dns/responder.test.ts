import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { Resolver } from "node:dns/promises";
import { once } from "node:events";
import { connect } from "node:net";
import { describe, test } from "node:test";
import { streamDecode, streamEncode } from "dns-packet";
import { DatagramRate } from "#acme/dns/datagram-rate.ts";
import { MessageReader } from "#acme/dns/message-reader.ts";
import { type Responder, startResponder } from "#acme/dns/responder.ts";
import { manualClock } from "#clock.ts";
import { createLogger } from "#log.ts";
import { authority, query } from "./support.ts";

const NAME = "_acme-challenge.example.com";

async function start(): Promise<Responder> {
  return startResponder({
    address: { host: "127.0.0.1", port: 0, variable: "" },
    authority: () => authority,
    clock: manualClock(0),
    log: createLogger("silent"),
  });
}

function resolverAt({ port }: Responder): Resolver {
  const resolver = new Resolver({ timeout: 2_000, tries: 1 });
  resolver.setServers([`127.0.0.1:${port}`]);
  return resolver;
}

describe("the responder", () => {
  test("is asked by a resolver that others wrote, also for what does not fit a datagram", async () => {
    await using responder = await start();
    const resolver = resolverAt(responder);
    assert.deepEqual((await resolver.resolveTxt(NAME)).flat(), ["first-value", "second-value"]);
    const many = await resolver.resolveTxt("_acme-challenge.many.example.com");
    assert.equal(many.length, 20);
    assert.equal((await resolver.resolveSoa("acme.example.net")).nsname, "api.example.net");
    assert.deepEqual(await resolver.resolveNs("acme.example.net"), ["api.example.net"]);
  });

  test("tells a name that is not there from one that has no such record", async () => {
    await using responder = await start();
    const resolver = resolverAt(responder);
    await assert.rejects(resolver.resolveTxt(`x.${NAME}`), { code: "ENOTFOUND" });
    await assert.rejects(resolver.resolve4(NAME), { code: "ENODATA" });
    await assert.rejects(resolver.resolveTxt("example.com"), { code: "EREFUSED" });
  });

  test("answers several queries on one connection, cut anywhere", async () => {
    await using responder = await start();
    const one = streamEncode({ type: "query", id: 1, questions: [{ name: NAME, type: "TXT" }] });
    const two = streamEncode({ type: "query", id: 2, questions: [{ name: NAME, type: "SOA" }] });
    const socket = connect(responder.port, "127.0.0.1");
    const octets = Buffer.concat([one, two]);
    const reader = new MessageReader(65_535);
    const replies: (number | undefined)[] = [];
    for (const octet of octets) socket.write(Buffer.from([octet]));
    for await (const chunk of socket) {
      for (const reply of reader.read(chunk as Buffer)) {
        const framed = Buffer.concat([Buffer.from([reply.length >> 8, reply.length]), reply]);
        replies.push(streamDecode(framed).id);
      }
      if (replies.length === 2) break;
    }
    assert.deepEqual(replies, [1, 2]);
  });

  test("ends a connection that brings no query, one that is too long, or very many", async () => {
    await using responder = await start();
    const one = streamEncode({ type: "query", questions: [{ name: NAME, type: "TXT" }] });
    const flood = Buffer.concat(Array<Buffer>(200).fill(one));
    for (const octets of [Buffer.from([0, 1, 0]), Buffer.from([0xff, 0xff]), flood]) {
      const socket = connect(responder.port, "127.0.0.1");
      socket.write(octets);
      socket.resume();
      await once(socket, "close");
    }
  });

  test("says nothing to what is no query, and goes on", async () => {
    await using responder = await start();
    const socket = createSocket("udp4");
    const message = query({ name: NAME, type: "TXT" });
    const response = Buffer.from(message);
    response[2] = 0x80;
    const heard = once(socket, "message");
    for (const octets of [Buffer.alloc(3), response, Buffer.alloc(1_300), message]) {
      socket.send(octets, responder.port, "127.0.0.1");
    }
    const [reply] = (await heard) as [Buffer];
    assert.equal(reply.readUInt16BE(6), 2, "the first that is heard is the answer to the last");
    socket.close();
  });

  test("is refused a port that another one has", async () => {
    await using responder = await start();
    const address = { host: "127.0.0.1", port: responder.port, variable: "ATOLL_DNS_PORT" };
    const again = startResponder({
      address,
      authority: () => authority,
      clock: manualClock(0),
      log: createLogger("silent"),
    });
    await assert.rejects(again, /ATOLL_DNS_PORT/);
  });
});

describe("the datagrams of one network", () => {
  test("are answered, then shortened, then not at all, and again a second later", () => {
    const clock = manualClock(0);
    const rate = new DatagramRate(clock);
    const counts = { answer: 0, truncated: 0, nothing: 0 };
    for (let sent = 0; sent < 300; sent += 1) counts[rate.take(`192.0.2.${sent % 256}`)] += 1;
    assert.deepEqual(counts, { answer: 50, truncated: 150, nothing: 100 });
    assert.equal(rate.take("192.0.3.1"), "answer");
    clock.advance(1_000);
    assert.equal(rate.take("192.0.2.1"), "answer");
  });

  test("are answered without end to this machine itself", () => {
    const rate = new DatagramRate(manualClock(0));
    for (const address of ["127.0.0.1", "::1", "::ffff:127.0.0.1"]) {
      for (let sent = 0; sent < 60; sent += 1) assert.equal(rate.take(address), "answer");
    }
  });

  test("are those of 48 bits of IPv6, and of IPv4 in it as of IPv4", () => {
    const rate = new DatagramRate(manualClock(0));
    for (let sent = 0; sent < 50; sent += 1) rate.take(`2001:db8:1:${sent}::1`);
    for (let sent = 0; sent < 50; sent += 1) rate.take("::ffff:192.0.2.1");
    assert.equal(rate.take("2001:db8:1::5"), "truncated");
    assert.equal(rate.take("2001:db8:2::5"), "answer");
    assert.equal(rate.take("192.0.2.200"), "truncated");
  });
});

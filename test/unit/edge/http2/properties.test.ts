import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { HTTP2_SETTINGS_TIMEOUT_MS, IDLE_TIMEOUT_MS, LINGER_TIMEOUT_MS } from "#edge/limits.ts";
import {
  continuation,
  data,
  endHeaders,
  endStream,
  frame,
  GET,
  headers,
  inWords,
  POST,
  ping,
  preface,
  priority,
  rstStream,
  settings,
  settingsAck,
  whole,
  windowUpdate,
} from "./frames.ts";
import { ok, Peer, type PeerTerms } from "./support.ts";

/** Answers what has no content. */
const patient: PeerTerms = {
  serve: (request, exchange) => {
    if (exchange.content === undefined) ok(request, exchange);
  },
};

const id = fc.constantFrom(0, 1, 2, 3, 5, 7, 9, 11);
const payload = fc.string({ unit: fc.nat(255).map((code) => String.fromCharCode(code)) });
const anyFrame = fc
  .tuple(fc.nat(10), fc.nat(255), id, payload)
  .map(([type, flags, streamId, octets]) => frame(type, flags, streamId, octets));
/** What a client may say, with room for all that is answered: whether it may say it now or not. */
const likelyFrame = fc.oneof(
  { weight: 5, arbitrary: id.map((streamId) => headers(streamId)) },
  id.map((streamId) => headers(streamId, endHeaders, POST)),
  id.map((streamId) => headers(streamId, whole, [...GET, "cookie", "a=1", "cookie", "b=2"])),
  id.map((streamId) => headers(streamId, endStream)),
  fc.tuple(id, payload).map(([streamId, octets]) => continuation(streamId, endHeaders, octets)),
  fc
    .tuple(id, fc.nat(1), payload)
    .map(([streamId, flags, octets]) => data(streamId, flags, octets)),
  id.map((streamId) => rstStream(streamId)),
  id.map((streamId) => priority(streamId)),
  fc.tuple(id, fc.nat(100)).map(([streamId, bytes]) => windowUpdate(streamId, bytes)),
  fc.integer({ min: 1_000, max: 100_000 }).map((bytes) => settings(4, bytes)),
  fc.constant(ping()),
);

/** All that is heard when these octets come in pieces of these lengths, and then the rest. */
async function heard(octets: Buffer, lengths: readonly number[]): Promise<string[]> {
  using peer = new Peer({ ...patient, opening: Buffer.alloc(0) });
  let at = 0;
  for (const length of lengths) {
    if (at >= octets.length) break;
    peer.wire.write(octets.subarray(at, at + length));
    at += length;
  }
  peer.wire.write(octets.subarray(at));
  return (await peer.receive()).map(inWords);
}

describe("a conversation", () => {
  test("goes the same way wherever its octets were parted", async () => {
    const conversation = fc.array(likelyFrame, { maxLength: 30 });
    const lengths = fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 200 });
    await fc.assert(
      fc.asyncProperty(conversation, lengths, async (frames, pieces) => {
        const opening = [Buffer.from(preface), settings(), settingsAck];
        const octets = Buffer.concat([...opening, ...frames]);
        assert.deepEqual(await heard(octets, pieces), await heard(octets, []));
      }),
    );
  });

  test("goes the same way octet by octet", async () => {
    const frames = [
      headers(1),
      headers(3, endHeaders, POST),
      data(3, 0, "abc"),
      ping(),
      headers(5),
    ];
    const octets = Buffer.concat([Buffer.from(preface), settings(), settingsAck, ...frames]);
    const pieces = Array.from(octets, () => 1);
    assert.deepEqual(await heard(octets, pieces), await heard(octets, []));
  });

  test("comes to an end whatever is said in it", async () => {
    const frames = fc.array(
      fc.oneof(
        anyFrame,
        likelyFrame,
        payload.map((text) => Buffer.from(text)),
      ),
    );
    await fc.assert(
      fc.asyncProperty(frames, async (sent) => {
        using peer = new Peer(patient);
        await peer.exchange(...sent);
        for (const { exchange } of peer.asked) exchange.content?.discard();
        await peer.pass(HTTP2_SETTINGS_TIMEOUT_MS);
        await peer.pass(IDLE_TIMEOUT_MS);
        await peer.pass(IDLE_TIMEOUT_MS);
        assert(peer.ended);
        await peer.pass(LINGER_TIMEOUT_MS);
        assert(peer.closed);
        const replied = peer.endings.length;
        assert(replied <= peer.asked.length);
      }),
    );
  });
});

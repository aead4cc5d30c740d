import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setImmediate } from "node:timers/promises";
import type { BodySink, OriginResponse } from "#edge/origin/origin.ts";
import { resumable } from "#edge/siblings/resumed-body.ts";

/** An answer whose body comes as the test has it. */
function anAnswer(status: number, fields: readonly string[], length: number) {
  let sink: BodySink | undefined;
  const state = {
    resumed: 0,
    isDiscarded: false,
    get sink(): BodySink {
      assert(sink !== undefined, "nobody reads it");
      return sink;
    },
    get isRead(): boolean {
      return sink !== undefined;
    },
  };
  const answer: OriginResponse = {
    kind: "response",
    status,
    fields: ["etag", '"1"', ...fields],
    length,
    requestTime: 0,
    responseTime: 0,
    body: {
      read: (reader) => {
        sink = reader;
      },
      resume: () => {
        state.resumed += 1;
      },
    },
    discard: () => {
      state.isDiscarded = true;
    },
  };
  return Object.assign(state, { answer });
}

/** Notes what comes, and takes no more after each chunk if it is slow. */
function aReader(isSlow: boolean) {
  const come: string[] = [];
  const sink: BodySink = {
    chunk: (chunk) => {
      come.push(chunk.toString());
      return !isSlow;
    },
    end: () => void come.push("end"),
    fail: () => void come.push("fail"),
  };
  return { come, sink };
}

describe("what a sibling was telling when it died", () => {
  test("goes on with the rest only when its reader takes more", async () => {
    const told = anAnswer(200, [], 10);
    const rest = anAnswer(206, ["content-range", "bytes 4-9/10"], 6);
    const asked: (readonly string[])[] = [];
    const { body } = resumable(told.answer, (fields) => {
      asked.push(fields);
      return Promise.resolve(rest.answer);
    });
    const { come, sink } = aReader(true);
    body.read(sink);
    told.sink.chunk(Buffer.from("0123"));
    told.sink.fail();
    await setImmediate();
    assert.deepEqual(asked, [["range", "bytes=4-", "if-range", '"1"']]);
    assert(!rest.isRead, "its reader has not taken what came before");
    body.resume();
    rest.sink.chunk(Buffer.from("456789"));
    body.resume();
    assert.equal(rest.resumed, 1);
    rest.sink.end([]);
    assert.deepEqual(come, ["0123", "456789", "end"]);
  });

  test("is told from where it broke off, if the origin sends all of it", async () => {
    const told = anAnswer(200, [], 10);
    const whole = anAnswer(200, [], 10);
    const { body } = resumable(told.answer, () => Promise.resolve(whole.answer));
    const { come, sink } = aReader(false);
    body.read(sink);
    told.sink.chunk(Buffer.from("0123"));
    told.sink.fail();
    await setImmediate();
    for (const text of ["01", "2345", "6789"]) assert(whole.sink.chunk(Buffer.from(text)));
    whole.sink.end([]);
    assert.deepEqual(come, ["0123", "45", "6789", "end"]);
  });

  for (const { what, rest } of [
    { what: "is another part", rest: anAnswer(206, ["content-range", "bytes 5-9/10"], 5) },
    { what: "is not all of the rest", rest: anAnswer(206, ["content-range", "bytes 4-8/10"], 5) },
    { what: "is of another length", rest: anAnswer(200, [], 11) },
    { what: "is a refusal", rest: anAnswer(416, ["content-range", "bytes */10"], 0) },
  ]) {
    test(`has broken off where what the origin sends ${what}`, async () => {
      const told = anAnswer(200, [], 10);
      const { body } = resumable(told.answer, () => Promise.resolve(rest.answer));
      const { come, sink } = aReader(false);
      body.read(sink);
      told.sink.chunk(Buffer.from("0123"));
      told.sink.fail();
      await setImmediate();
      assert(rest.isDiscarded);
      assert.deepEqual(come, ["0123", "fail"]);
    });
  }

  test("has broken off where all of it that the origin sends ends too soon", async () => {
    const told = anAnswer(200, [], 10);
    const whole = anAnswer(200, [], 10);
    const { body } = resumable(told.answer, () => Promise.resolve(whole.answer));
    const { come, sink } = aReader(false);
    body.read(sink);
    told.sink.chunk(Buffer.from("0123"));
    told.sink.fail();
    await setImmediate();
    whole.sink.chunk(Buffer.from("01"));
    whole.sink.end([]);
    assert.deepEqual(come, ["0123", "fail"]);
  });
});

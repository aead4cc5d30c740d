import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Heartbeat } from "#fleet/heartbeat.ts";

const times = { everyMs: 10, timeoutMs: 30 };

function edge() {
  const killed: string[] = [];
  let asked = 0;
  const channel = {
    send: async () => {
      asked += 1;
    },
    kill: (reason: string) => void killed.push(reason),
  };
  return { channel, killed, asked: () => asked };
}

describe("a heartbeat", () => {
  test("keeps an edge that answers", (t) => {
    t.mock.timers.enable({ apis: ["setInterval"] });
    const { channel, killed, asked } = edge();
    const heartbeat = new Heartbeat(channel, times);
    heartbeat.start();
    for (let round = 0; round < 20; round += 1) {
      t.mock.timers.tick(10);
      heartbeat.heard();
    }
    heartbeat.stop();
    assert.equal(asked(), 20);
    assert.deepEqual(killed, []);
  });

  test("ends an edge that has not answered for as long as it may take", (t) => {
    t.mock.timers.enable({ apis: ["setInterval"] });
    const { channel, killed } = edge();
    new Heartbeat(channel, times).start();
    t.mock.timers.tick(30);
    assert.deepEqual(killed, []);
    t.mock.timers.tick(10);
    assert.deepEqual(killed, ["it did not answer"]);
    t.mock.timers.tick(100);
    assert.equal(killed.length, 1);
  });

  test("takes one answer after many silent rounds for all of them", (t) => {
    t.mock.timers.enable({ apis: ["setInterval"] });
    const { channel, killed } = edge();
    const heartbeat = new Heartbeat(channel, times);
    heartbeat.start();
    t.mock.timers.tick(30);
    heartbeat.heard();
    t.mock.timers.tick(30);
    heartbeat.stop();
    assert.deepEqual(killed, []);
  });
});

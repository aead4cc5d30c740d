import assert from "node:assert/strict";
import { describe, mock, test } from "node:test";
import { TicketKeys } from "#fleet/ticket-keys.ts";

describe("ticket keys", () => {
  test("are 48 octets, replaced when they are old, and told of", () => {
    mock.timers.enable({ apis: ["setInterval"] });
    const told: Uint8Array[] = [];
    const keys = new TicketKeys((latest) => told.push(latest), 1_000);
    const first = keys.current;
    assert.equal(first.byteLength, 48);
    mock.timers.tick(999);
    assert.equal(keys.current, first);
    mock.timers.tick(1);
    assert.notDeepEqual(keys.current, first);
    mock.timers.tick(1_000);
    assert.equal(told.length, 2);
    assert.equal(told[1], keys.current);
    keys[Symbol.dispose]();
    mock.timers.tick(5_000);
    assert.equal(told.length, 2);
    mock.timers.reset();
  });
});

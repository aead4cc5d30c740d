import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { ToWorker } from "#feed/message.ts";
import { SiblingDirectory } from "#fleet/sibling-directory.ts";

type Told = Extract<ToWorker, { kind: "siblings" }>;

/** A worker in this place, and what it was told. */
function join(directory: SiblingDirectory, slot: number) {
  const told: Told[] = [];
  const member = directory.join(slot, (message) => {
    if (message.kind === "siblings") told.push(message);
  });
  return { ...member, told, ports: () => told.at(-1)?.addresses.map(({ port }) => port) };
}

describe("the directory of siblings", () => {
  test("tells all that listen of all that listen, as they come and go", () => {
    const directory = new SiblingDirectory();
    const [one, other] = [join(directory, 0), join(directory, 1)];
    assert.deepEqual([one.told, other.told], [[], []]);
    one.listens(4_000);
    assert.deepEqual(one.told[0]?.addresses, [{ slot: 0, port: 4_000 }]);
    assert.deepEqual(other.told, []);
    other.listens(4_001);
    assert.deepEqual(
      [one.ports(), other.ports()],
      [
        [4_000, 4_001],
        [4_000, 4_001],
      ],
    );
    other.leave();
    assert.deepEqual(one.ports(), [4_000]);
    const again = join(directory, 1);
    again.listens(4_002);
    assert.deepEqual(one.ports(), [4_000, 4_002]);
    assert.deepEqual(one.told.at(-1)?.addresses[1], { slot: 1, port: 4_002 });
  });

  test("is settled when all that listen know the others", async () => {
    const directory = new SiblingDirectory();
    await directory.settled();
    const [one, other] = [join(directory, 0), join(directory, 1)];
    one.listens(4_000);
    other.listens(4_001);
    const order: string[] = [];
    const settled = directory.settled().then(() => order.push("settled"));
    // Of a round that is over.
    one.knows(1);
    other.knows(2);
    await Promise.resolve();
    order.push("all know");
    one.knows(2);
    await settled;
    assert.deepEqual(order, ["all know", "settled"]);
  });

  test("does not wait for who has left", async () => {
    const directory = new SiblingDirectory();
    const [one, other] = [join(directory, 0), join(directory, 1)];
    one.listens(4_000);
    other.listens(4_001);
    one.knows(2);
    const settled = directory.settled();
    other.leave();
    one.knows(3);
    await settled;
  });

  test("has a secret of its own", () => {
    assert.notEqual(new SiblingDirectory().secret, new SiblingDirectory().secret);
  });
});

import assert from "node:assert/strict";
import { kill } from "node:process";
import { after, describe, test } from "node:test";
import type { Endpoint } from "../support/api-body.ts";
import { startAtoll } from "../support/atoll.ts";
import { noProcesses } from "../support/processes.ts";
import { createSpace, hostOf, originOf, putObject } from "../support/world.ts";

const ROUNDS = 3;
const LANES = 8;
/** Acknowledged changes after which the program is killed. */
const CHANGES = 333;
const LIST = "/v2/cdn/endpoints";

const atoll = await startAtoll({ env: { ATOLL_EDGE_WORKERS: "1" } });
after(() => atoll[Symbol.asyncDispose]());

/** What a lane knows of one origin: what was acknowledged last, and what may have happened since. */
interface Belief {
  readonly space: string;
  /** Undefined: no endpoint. */
  acknowledged: Endpoint | undefined;
  /** A change whose reply has not come. */
  attempt: "create" | "update" | "delete" | undefined;
}

/** Creates, updates and deletes in turn until the server is gone. */
async function keepChanging(belief: Belief, acknowledged: () => void): Promise<void> {
  const ask = async (method: string, path: string, body?: unknown) =>
    atoll.api(method, LIST + path, body === undefined ? {} : { body });
  for (let turn = 0; ; turn += 1) {
    const known = belief.acknowledged;
    try {
      if (known === undefined) {
        belief.attempt = "create";
        const reply = await ask("POST", "", { origin: originOf(belief.space), ttl: 600 });
        assert.equal(reply.status, 201, reply.text);
        belief.acknowledged = reply.json.endpoint;
      } else if (turn % 3 < 2) {
        belief.attempt = "update";
        const reply = await ask("PUT", `/${known.id}`, { ttl: known.ttl === 600 ? 60 : 600 });
        assert.equal(reply.status, 200, reply.text);
        belief.acknowledged = reply.json.endpoint;
      } else {
        belief.attempt = "delete";
        const reply = await ask("DELETE", `/${known.id}`);
        assert.equal(reply.status, 204, reply.text);
        belief.acknowledged = undefined;
      }
    } catch (error) {
      if (error instanceof assert.AssertionError) throw error;
      return; // The connection ended with the server.
    }
    belief.attempt = undefined;
    acknowledged();
  }
}

/** The states that an origin may be in after a kill: as acknowledged, or one attempt further. */
function mayBe({ acknowledged, attempt }: Belief): readonly (number | "none")[] {
  const was = acknowledged?.ttl ?? "none";
  if (attempt === undefined) return [was];
  if (attempt === "create") return [was, 600];
  return [was, attempt === "delete" ? "none" : was === 600 ? 60 : 600];
}

describe("kill -9 amid changes from 8 connections", { skip: noProcesses }, () => {
  const beliefs: Belief[] = Array.from({ length: LANES }, (_, index) => ({
    space: `lane-${index}`,
    acknowledged: undefined,
    attempt: undefined,
  }));

  for (let round = 1; round <= ROUNDS; round += 1) {
    test(`loses nothing that was acknowledged, round ${round}`, async () => {
      for (const { space } of round === 1 ? beliefs : []) {
        await createSpace(atoll, space);
        await putObject(atoll, space, "a.txt", space);
      }
      let changes = 0;
      const lanes = beliefs.map((belief) =>
        keepChanging(belief, () => {
          changes += 1;
          if (changes === CHANGES) kill(atoll.runtime.pid, "SIGKILL");
        }),
      );
      await Promise.all(lanes);
      await atoll.kill(); // It is dead already: this waits until its workers are, too.
      await atoll.start();

      const { json } = await atoll.api("GET", `${LIST}?per_page=200`);
      for (const belief of beliefs) {
        const found = json.endpoints.find(({ origin }) => origin === originOf(belief.space));
        const state = found?.ttl ?? "none";
        assert(mayBe(belief).includes(state), `${JSON.stringify(belief)} became ${state}`);
        const reply = await atoll.edge(hostOf(belief.space), "/a.txt");
        if (found === undefined) assert.equal(reply.status, 404);
        else {
          assert.equal(reply.text, belief.space);
          assert.equal(reply.headers["cache-control"], `max-age=${found.ttl}`);
        }
        belief.acknowledged = found;
        belief.attempt = undefined;
      }
      assert.equal(json.meta.total, json.endpoints.length);
    });
  }
});

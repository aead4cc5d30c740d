import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { startAtoll } from "../support/atoll.ts";
import { atollCommand } from "../support/cli.ts";
import { until } from "../support/until.ts";

const NAMES = ["api.example.test", "registry.example.test"];
const PATH = "/atoll/v1/certificates";

/** Nobody is there to be asked. */
const atoll = await startAtoll({
  env: {
    ATOLL_DOMAIN: "example.test",
    ATOLL_HOST: "127.0.0.1",
    ATOLL_ACME_DIRECTORY: "https://127.0.0.1:9/directory",
  },
});
after(() => atoll[Symbol.asyncDispose]());

describe("the certificates of the platform's own names", () => {
  test("are the operator's to see, and in no account's list", async () => {
    const { json } = await atoll.operator("GET", PATH);
    assert.deepEqual(json.certificates.map(({ name }) => name).toSorted(), NAMES);
    assert.deepEqual(json.certificates[0]?.dns_names, [json.certificates[0]?.name]);
    const [first] = json.certificates;
    assert.equal((await atoll.api("GET", PATH)).status, 403);
    assert.equal((await atoll.api("POST", `${PATH}/${first?.id}/retry`)).status, 403);
    const all = await atoll.api("GET", "/v2/certificates?automatic=true");
    assert.deepEqual(all.json.certificates, []);
    assert.equal((await atoll.api("GET", `/v2/certificates/${first?.id}`)).status, 404);
    assert.equal((await atoll.operator("GET", `/v2/certificates/${first?.id}`)).status, 404);
  });

  test("tell their story by command, and are tried again when they are told to", async () => {
    const shown = await until("its failure is told", async () => {
      const args = ["certificate", "show", "--platform", "api.example.test"];
      const { stdout } = await atollCommand(atoll.dataDir, args);
      return stdout.includes("failed") && stdout;
    });
    assert.match(shown, /^state +pending$/m);
    assert.match(shown, /failed +.*127\.0\.0\.1:9/);
    const retry = ["certificate", "retry", "--platform", "api.example.test"];
    assert.match((await atollCommand(atoll.dataDir, retry)).stdout, /api\.example\.test +pending/);
  });
});

import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { startAtoll } from "../support/atoll.ts";
import { atollCommand } from "../support/cli.ts";
import { digestOf, manifestText } from "../support/images.ts";
import { createProfessional, oci, push } from "../support/registry.ts";
import { createAccount, createEndpoint, hostOf, originOf, putObject } from "../support/world.ts";

const folder = mkdtempSync(join(tmpdir(), "atoll-backup-"));
after(() => rmSync(folder, { recursive: true, force: true }));

describe("a backup taken while the server runs", () => {
  test("holds one moment: accounts, tokens, endpoints, objects and their bytes", async () => {
    const file = join(folder, "one.tar");
    const dataDir = join(folder, "restored");
    let id = "";
    let other = "";
    {
      await using atoll = await startAtoll();
      ({ id } = await createEndpoint(atoll, originOf("kept"), { ttl: 60 }));
      await putObject(atoll, "kept", "page.txt", "kept bytes");
      other = await createAccount(atoll, "other@example.test");
      await atollCommand(atoll.dataDir, ["backup", file]);
      await createEndpoint(atoll, originOf("later"));
      await putObject(atoll, "kept", "page.txt", "later bytes");
    }
    await atollCommand(dataDir, ["restore", file]);
    await using atoll = await startAtoll({ dataDir });
    const list = await atoll.api("GET", "/v2/cdn/endpoints");
    assert.deepEqual(
      list.json.endpoints.map((endpoint) => endpoint.id),
      [id],
    );
    assert.equal((await atoll.edge(hostOf("kept"), "/page.txt")).text, "kept bytes");
    const account = await atoll.api("GET", "/v2/account", { token: other });
    assert.equal(account.json.account.email, "other@example.test");
  });

  test("holds registries and their images; an upload that was half there begins anew", async () => {
    const file = join(folder, "images.tar");
    const dataDir = join(folder, "images");
    const image = { layers: ["a layer"], tags: ["v1"] };
    const uploads = "/v2/kept/app/blobs/uploads/";
    let token = "";
    let upload = "";
    {
      await using atoll = await startAtoll();
      const tenant = await createProfessional(atoll, "kept");
      ({ token } = tenant);
      await push(atoll, tenant, "app", image);
      const begun = await oci(atoll, "POST", uploads, { token });
      upload = uploads + String(begun.headers["docker-upload-uuid"]);
      await oci(atoll, "PATCH", upload, { token, body: "half" });
      await atollCommand(atoll.dataDir, ["backup", file]);
    }
    await atollCommand(dataDir, ["restore", file]);
    await using atoll = await startAtoll({ dataDir });
    const get = (target: string) => oci(atoll, "GET", `/v2/kept/app/${target}`, { token });
    assert.equal((await get("manifests/v1")).text, manifestText(image));
    assert.equal((await get(`blobs/${digestOf("a layer")}`)).text, "a layer");
    assert.equal((await oci(atoll, "GET", upload, { token })).status, 404);
  });

  test("is whole although objects are replaced and endpoints made all the while", async () => {
    await using atoll = await startAtoll();
    await createEndpoint(atoll, originOf("busy"));
    const bytes = (round: number): string => `${round} `.repeat(20_000);
    for (let key = 0; key < 20; key += 1) await putObject(atoll, "busy", `${key}`, bytes(0));
    const stop = new AbortController();
    const changes = (async () => {
      for (let round = 1; !stop.signal.aborted; round += 1) {
        await putObject(atoll, "busy", `${round % 20}`, bytes(round));
        await createEndpoint(atoll, originOf(`busy-${round}`));
      }
    })();
    const file = join(folder, "busy.tar");
    for (let count = 0; count < 3; count += 1) {
      await atollCommand(atoll.dataDir, ["backup", "--force", file]);
    }
    stop.abort();
    await changes;
    const dataDir = join(folder, "busy");
    await atollCommand(dataDir, ["restore", file]);
    await using restored = await startAtoll({ dataDir });
    for (let key = 0; key < 20; key += 1) {
      const { text } = await restored.edge(hostOf("busy"), `/${key}`);
      assert.equal(text, bytes(Number(text.split(" ", 1)[0])));
    }
  });

  test("does the server no harm when nobody reads it", async () => {
    await using atoll = await startAtoll();
    await createEndpoint(atoll, originOf("kept"));
    await putObject(atoll, "kept", "a", "bytes");
    for (let count = 0; count < 3; count += 1) {
      const head = await atoll.operator("HEAD", "/atoll/v1/backup");
      assert.equal(head.status, 200);
    }
    assert.equal((await atoll.api("GET", "/v2/account")).status, 200);
    await atollCommand(atoll.dataDir, ["backup", join(folder, "after.tar")]);
  });

  test("is refused when it is cut short, and leaves nothing behind", async () => {
    const file = join(folder, "cut.tar");
    {
      await using atoll = await startAtoll();
      await atollCommand(atoll.dataDir, ["backup", file]);
    }
    const whole = readFileSync(file);
    writeFileSync(file, whole.subarray(0, whole.length / 2));
    const dataDir = join(folder, "cut");
    await assert.rejects(atollCommand(dataDir, ["restore", file]));
    assert.equal(existsSync(dataDir), false);
  });
});

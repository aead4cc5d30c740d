import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { startAtoll } from "../support/atoll.ts";
import { openAuthority } from "../support/certificates.ts";
import { until } from "../support/until.ts";
import { assertProblem, freshName } from "../support/world.ts";

const atoll = await startAtoll({ env: { ATOLL_RATE_LIMITS: "off" } });
after(() => atoll[Symbol.asyncDispose]());
const authority = await openAuthority();
after(() => authority[Symbol.asyncDispose]());

const LIST = "/v2/certificates";

const create = (body: object) => atoll.api("POST", LIST, { body });
const get = (id: string) => atoll.api("GET", `${LIST}/${id}`);

/** What a client sends to upload a fresh certificate for these names. */
async function material(...names: readonly string[]) {
  const { cert, key } = await authority.issue(...names);
  return { private_key: key, leaf_certificate: cert };
}

describe("an uploaded certificate", () => {
  test("is verified at once, and has the names and the end of its leaf", async () => {
    const name = freshName();
    const sent = await material("www.example.com", "*.example.com");
    const { status, json } = await create({ name, type: "custom", ...sent });
    assert.equal(status, 201);
    const { certificate } = json;
    assert.match(certificate.sha1_fingerprint ?? "", /^[0-9a-f]{40}$/);
    assert.match(certificate.not_after ?? "", /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    const { id, name: given, dns_names, state, type } = certificate;
    assert.deepEqual(
      { given, dns_names, state, type },
      {
        given: name,
        dns_names: ["www.example.com", "*.example.com"],
        state: "verified",
        type: "custom",
      },
    );
    assert.deepEqual((await get(id)).json.certificate, certificate);
    const found = await atoll.api("GET", `${LIST}?name=${name}`);
    assert.deepEqual(found.json.certificates, [certificate]);
    assert.equal(found.json.meta.total, 1);
  });

  test("needs no type beside its key", async () => {
    const sent = await material("www.example.com");
    for (const type of [undefined, null, ""]) {
      const { status, json } = await create({ name: freshName(), type, ...sent });
      assert.equal(status, 201);
      assert.equal(json.certificate.type, "custom");
    }
  });

  test("has a name of its own in its account", async () => {
    const body = { name: freshName(), ...(await material("www.example.com")) };
    assert.equal((await create(body)).status, 201);
    assertProblem(await create(body), 422, "unprocessable_entity", "name");
  });

  test("has a name that comes back as it was sent", async () => {
    const sent = await material("www.example.com");
    const name = "Grüße 🌴";
    const { certificate } = (await create({ name, ...sent })).json;
    assert.equal((await get(certificate.id)).json.certificate.name, name);
    for (const bad of ["a\u0000", "a\n", "\ud83c", 7, ""]) {
      assertProblem(await create({ name: bad, ...sent }), 422, "unprocessable_entity", "name");
    }
  });

  test("is refused with the member and the reason", async () => {
    const { private_key, leaf_certificate } = await material("www.example.com");
    const other = await material("www.example.com");
    const cases: readonly (readonly [object, string, RegExp])[] = [
      [{ private_key, leaf_certificate: "" }, "leaf_certificate", /PEM/],
      [{ leaf_certificate }, "private_key", /private key in PEM/],
      [{ private_key: "garbage", leaf_certificate }, "private_key", /private key in PEM/],
      [{ private_key, leaf_certificate: other.leaf_certificate }, "private_key", /not the key/],
      [{ private_key, leaf_certificate, certificate_chain: "x" }, "certificate_chain", /PEM/],
    ];
    for (const [members, member, reason] of cases) {
      const reply = await create({ name: freshName(), type: "custom", ...members });
      assertProblem(reply, 422, "unprocessable_entity", member, reason);
    }
  });
});

describe("a managed certificate", () => {
  test("is pending when it is created, and verified by the local CA within a second", async () => {
    const dns_names = ["shop.example.com", "*.example.com"];
    const created = await create({ name: freshName(), type: "lets_encrypt", dns_names });
    assert.equal(created.status, 201);
    const { certificate } = created.json;
    assert.equal(certificate.state, "pending");
    assert(!("not_after" in certificate) && !("sha1_fingerprint" in certificate));
    const verified = await until(
      "it is verified",
      async () => {
        const { json } = await get(certificate.id);
        return json.certificate.state === "verified" && json.certificate;
      },
      1_000,
    );
    assert.deepEqual(
      { ...verified, not_after: 0, sha1_fingerprint: 0 },
      {
        ...certificate,
        state: "verified",
        not_after: 0,
        sha1_fingerprint: 0,
      },
    );
    const { json } = await atoll.api("GET", `${LIST}/${certificate.id}/events`);
    assert.deepEqual(
      json.events.map(({ kind }) => kind),
      ["created", "issued"],
    );
  });

  test("is for names that a CA could issue for", async () => {
    for (const dns_names of [
      [],
      ["localhost"],
      ["192.0.2.1"],
      ["a b.example.com"],
      ["*.com."],
      ["*"],
      ["www.example.com/"],
      ["www.example.com?x"],
      ["www.exam\tple.com"],
      ["%77ww.example.com"],
    ]) {
      const reply = await create({ name: freshName(), type: "lets_encrypt", dns_names });
      assertProblem(reply, 422, "unprocessable_entity", "dns_names");
    }
  });

  test("is not tried again when nothing has failed", async () => {
    const body = { name: freshName(), dns_names: ["one.example.com"] };
    const { id } = (await create(body)).json.certificate;
    await until(
      "it is verified",
      async () => (await get(id)).json.certificate.state === "verified",
    );
    assertProblem(await atoll.api("POST", `${LIST}/${id}/retry`), 409, "conflict", "verified");
  });
});

describe("certificates", () => {
  test("are of one of two types", async () => {
    const reply = await create({
      name: freshName(),
      type: "letsencrypt",
      dns_names: ["a.example"],
    });
    assertProblem(reply, 422, "unprocessable_entity", "type", "custom or lets_encrypt");
  });

  test("that are not there are 404", async () => {
    for (const [method, suffix] of [
      ["GET", ""],
      ["DELETE", ""],
      ["GET", "/events"],
      ["POST", "/retry"],
    ] as const) {
      const reply = await atoll.api(
        method,
        `${LIST}/892071a0-bb95-49bc-8021-3afd67a210bf${suffix}`,
      );
      assertProblem(reply, 404, "not_found");
    }
  });

  test("leave no private key in the database, the log, the metrics or a reply", async () => {
    const { private_key, leaf_certificate } = await material("secret.example.com");
    const secret = private_key.split("\n")[1] ?? "";
    assert(secret.length > 40);
    const { text, json } = await create({ name: freshName(), private_key, leaf_certificate });
    const { id } = json.certificate;
    const texts = [
      text,
      (await get(id)).text,
      (await atoll.api("GET", `${LIST}/${id}/events`)).text,
    ];
    texts.push((await atoll.api("GET", "/metrics")).text, atoll.output.stderr);
    for (const file of ["atoll.db", "atoll.db-wal"]) {
      texts.push(readFileSync(join(atoll.dataDir, file), "latin1"));
    }
    for (const each of texts) assert(!each.includes(secret) && !each.includes("PRIVATE KEY"));
  });

  test("are deleted, and their names are free again", async () => {
    const body = { name: freshName(), ...(await material("www.example.com")) };
    const { id } = (await create(body)).json.certificate;
    assert.equal((await atoll.api("DELETE", `${LIST}/${id}`)).status, 204);
    assertProblem(await get(id), 404, "not_found");
    assert.equal((await create(body)).status, 201);
  });
});

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { mkdtempDisposableSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { startAtoll } from "../support/atoll.ts";
import { exchange } from "../support/exchange.ts";
import { until } from "../support/until.ts";
import { assertProblem, freshName, originOf, putObject } from "../support/world.ts";

const atoll = await startAtoll({ env: { ATOLL_EDGE_WORKERS: "2" } });
after(() => atoll[Symbol.asyncDispose]());

const CERTIFICATES = "/v2/certificates";
const OPENSSL = "openssl";
const ENDPOINTS = "/v2/cdn/endpoints";

/** digitalocean_certificate's creation: it is `pending` until a poll finds it `verified`. */
async function createCertificate(members: object): Promise<{ id: string; name: string }> {
  const body = { name: freshName("terraform"), ...members };
  const { status, json, text } = await atoll.api("POST", CERTIFICATES, { body });
  assert.equal(status, 201, text);
  const { id, name } = json.certificate;
  await until("it is verified", async () => {
    const { certificate } = (await atoll.api("GET", `${CERTIFICATES}/${id}`)).json;
    assert(["pending", "verified"].includes(certificate.state), certificate.state);
    assert.equal(certificate.id, id);
    return certificate.state === "verified";
  });
  return { id, name };
}

/** digitalocean_cdn's `certificate_name`: the provider takes the first that it is given. */
async function idOf(name: string): Promise<string | undefined> {
  const { json } = await atoll.api("GET", `${CERTIFICATES}?name=${encodeURIComponent(name)}`);
  return json.certificates[0]?.id;
}

/** digitalocean_cdn's refresh: the endpoint, and then what its id leads to. */
async function refreshed(endpoint: string) {
  const { certificate_id, ttl } = (await atoll.api("GET", `${ENDPOINTS}/${endpoint}`)).json
    .endpoint;
  const { status, json } = await atoll.api("GET", `${CERTIFICATES}/${certificate_id}`);
  assert.equal(status, 200);
  return { ttl, name: json.certificate.name, sha1: json.certificate.sha1_fingerprint };
}

/** A client that trusts nothing else has an object of it. */
async function serves(host: string, ca: string): Promise<void> {
  const url = `${atoll.runtime.edge_tls}/a.txt`;
  const { status, text } = await exchange(url, { ca, servername: host, headers: { host } });
  assert.deepEqual([status, text], [200, "served"]);
}

describe("Terraform", () => {
  test("creates, attaches, replaces before it destroys, and destroys", async () => {
    const custom_domain = "tf.example.com";
    const space = freshName("terraform");
    const members = { type: "lets_encrypt", dns_names: [custom_domain] };
    const old = await createCertificate(members);
    // A ttl that is not set is sent as 0.
    const created = await atoll.api("POST", ENDPOINTS, {
      body: {
        origin: originOf(space),
        ttl: 0,
        custom_domain,
        certificate_id: await idOf(old.name),
      },
    });
    assert.equal(created.status, 201, created.text);
    const { id } = created.json.endpoint;
    await putObject(atoll, space, "a.txt", "served");
    const before = await refreshed(id);
    assert.deepEqual([before.ttl, before.name], [3_600, old.name]);

    const next = await createCertificate(members);
    const early = await atoll.api("DELETE", `${CERTIFICATES}/${old.id}`);
    const words = "Make sure the certificate is not in use before deleting it";
    assertProblem(early, 403, "forbidden", words);
    const body = { custom_domain, certificate_id: await idOf(next.name) };
    assert.equal((await atoll.api("PUT", `${ENDPOINTS}/${id}`, { body })).status, 200);
    const later = await refreshed(id);
    assert.equal(later.name, next.name);
    assert.notEqual(later.sha1, before.sha1);
    assert.equal((await atoll.api("DELETE", `${CERTIFICATES}/${old.id}`)).status, 204);
    assertProblem(await atoll.api("GET", `${CERTIFICATES}/${old.id}`), 404, "not_found");
    assert.equal(await idOf(old.name), undefined);
    await serves(custom_domain, readFileSync(join(atoll.dataDir, "ca", "ca.pem"), "utf8"));

    assert.equal((await atoll.api("DELETE", `${ENDPOINTS}/${id}`)).status, 204);
    assert.equal((await atoll.api("DELETE", `${CERTIFICATES}/${next.id}`)).status, 204);
    assertProblem(await atoll.api("DELETE", `${CERTIFICATES}/${next.id}`), 404, "not_found");
  });

  test("uploads a leaf that has signed itself, and attaches it", async () => {
    const custom_domain = "self.example.com";
    using folder = mkdtempDisposableSync(join(tmpdir(), "atoll-terraform-"));
    const about = ["-subj", "/CN=self", "-addext", `subjectAltName=DNS:${custom_domain}`];
    const files = ["-keyout", "key.pem", "-out", "cert.pem", "-days", "30"];
    const args = ["req", "-x509", "-nodes", "-newkey", "rsa:2048", ...files, ...about];
    execFileSync(OPENSSL, args, { cwd: folder.path, stdio: "pipe" });
    const [private_key, leaf_certificate] = ["key.pem", "cert.pem"].map((name) =>
      readFileSync(join(folder.path, name), "utf8"),
    );
    assert(leaf_certificate !== undefined);
    const { name } = await createCertificate({ type: "custom", private_key, leaf_certificate });
    const space = freshName("terraform");
    const body = { origin: originOf(space), custom_domain, certificate_id: await idOf(name) };
    const created = await atoll.api("POST", ENDPOINTS, { body });
    assert.equal(created.status, 201, created.text);
    await putObject(atoll, space, "a.txt", "served");
    const { fingerprint } = new X509Certificate(leaf_certificate);
    const { sha1 } = await refreshed(created.json.endpoint.id);
    assert.equal(sha1, fingerprint.replaceAll(":", "").toLowerCase());
    await serves(custom_domain, leaf_certificate);
  });
});

import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { connect } from "node:tls";
import { startAtoll } from "../support/atoll.ts";
import { openAuthority } from "../support/certificates.ts";
import { exchange } from "../support/exchange.ts";
import { until } from "../support/until.ts";
import {
  assertProblem,
  createAccount,
  createEndpoint,
  freshName,
  originOf,
  putObject,
} from "../support/world.ts";

const atoll = await startAtoll({ env: { ATOLL_RATE_LIMITS: "off", ATOLL_EDGE_WORKERS: "2" } });
after(() => atoll[Symbol.asyncDispose]());
const authority = await openAuthority();
after(() => authority[Symbol.asyncDispose]());

const CERTIFICATES = "/v2/certificates";
const ENDPOINTS = "/v2/cdn/endpoints";
const OWN = "needs-cloudflare-cert";

async function upload(...names: readonly string[]) {
  const { cert, key, fingerprint } = await authority.issue(...names);
  const body = { name: freshName("certificate"), private_key: key, leaf_certificate: cert };
  const { status, json, text } = await atoll.api("POST", CERTIFICATES, { body });
  assert.equal(status, 201, text);
  return { id: json.certificate.id, fingerprint };
}

/** SHA-256 of the certificate that the edge shows for a name; `undefined` when it shows none. */
async function shown(servername: string): Promise<string | undefined> {
  const { port } = new URL(atoll.runtime.edge_tls);
  const socket = connect({
    port: Number(port),
    host: "127.0.0.1",
    servername,
    rejectUnauthorized: false,
  });
  try {
    await once(socket, "secureConnect");
    return socket.getPeerX509Certificate()?.fingerprint256;
  } catch {
    return undefined; // The alert that says that there is none.
  } finally {
    socket.destroy();
  }
}

const put = (id: string, body: object) => atoll.api("PUT", `${ENDPOINTS}/${id}`, { body });
const remove = (id: string) => atoll.api("DELETE", `${CERTIFICATES}/${id}`);
const localCa = () => readFileSync(join(atoll.dataDir, "ca", "ca.pem"), "utf8");

describe("an endpoint's certificate", () => {
  test("is shown for its custom domain once the creation is answered, and serves it", async () => {
    const custom_domain = "created.example.com";
    const { id, fingerprint } = await upload(custom_domain);
    assert.equal(await shown(custom_domain), undefined, "not before it is needed");
    const space = freshName();
    const members = { custom_domain, certificate_id: id };
    const endpoint = await createEndpoint(atoll, originOf(space), members);
    assert.equal(endpoint.certificate_id, id);
    assert.equal(await shown(custom_domain), fingerprint);
    await putObject(atoll, space, "a.txt", "served");
    const { status, text } = await exchange(`${atoll.runtime.edge_tls}/a.txt`, {
      ca: authority.caPem,
      servername: custom_domain,
      headers: { host: custom_domain },
    });
    assert.deepEqual([status, text], [200, "served"]);
  });

  test("is shown for no name that the endpoint has not", async () => {
    const { id } = await upload("*.wide.example.com");
    await createEndpoint(atoll, originOf(freshName()), {
      custom_domain: "one.wide.example.com",
      certificate_id: id,
    });
    assert.notEqual(await shown("one.wide.example.com"), undefined);
    assert.equal(await shown("two.wide.example.com"), undefined);
  });

  test("covers the custom domain, or is refused with what it covers", async () => {
    const { id } = await upload("www.example.org", "*.example.org");
    for (const custom_domain of ["example.org", "a.b.example.org", "www.example.com"]) {
      const body = { origin: originOf(freshName()), custom_domain, certificate_id: id };
      const reply = await atoll.api("POST", ENDPOINTS, { body });
      const covered = "covers www.example.org, *.example.org, and not";
      assertProblem(reply, 422, "unprocessable_entity", covered, custom_domain);
    }
    const endpoint = await createEndpoint(atoll, originOf(freshName()), {
      custom_domain: "any.example.org",
      certificate_id: id,
    });
    const moved = await put(endpoint.id, { custom_domain: "any.example.com" });
    assertProblem(moved, 422, "unprocessable_entity", "and not any.example.com");
  });

  test("is one of the account's own", async () => {
    const token = await createAccount(atoll, "other@example.com");
    const { id } = await upload("mine.example.com");
    const body = {
      origin: originOf(freshName()),
      custom_domain: "mine.example.com",
      certificate_id: id,
    };
    const reply = await atoll.api("POST", ENDPOINTS, { body, token });
    assertProblem(reply, 404, "not_found", "certificate not found");
  });

  test("is taken back when it is cleared, with the domain or without, and when the endpoint goes", async () => {
    const custom_domain = "back.example.com";
    const { id: certificate_id } = await upload(custom_domain);
    const members = { custom_domain, certificate_id };
    const { id } = await createEndpoint(atoll, originOf(freshName()), members);
    for (const cleared of [
      { certificate_id: "" },
      { custom_domain: "" },
      { custom_domain: "", certificate_id: "" },
    ]) {
      const { json } = await put(id, cleared);
      assert(!("certificate_id" in json.endpoint));
      assert.equal(await shown(custom_domain), undefined);
      assert.equal((await put(id, members)).status, 200);
      assert.notEqual(await shown(custom_domain), undefined);
    }
    await atoll.api("DELETE", `${ENDPOINTS}/${id}`);
    assert.equal(await shown(custom_domain), undefined);
  });
});

describe("Terraform's replacement of a certificate", () => {
  test("attaches the new one, which is shown at once, and then deletes the old one", async () => {
    const custom_domain = "terraform.example.com";
    const [old, fresh] = [await upload(custom_domain), await upload(custom_domain)];
    const { id } = await createEndpoint(atoll, originOf(freshName()), {
      custom_domain,
      certificate_id: old.id,
    });
    const early = await remove(old.id);
    const words = "Make sure the certificate is not in use before deleting it";
    assertProblem(early, 403, "forbidden", words);
    const { json } = await put(id, { custom_domain, certificate_id: fresh.id });
    assert.equal(json.endpoint.certificate_id, fresh.id);
    assert.equal(await shown(custom_domain), fresh.fingerprint);
    assert.equal((await remove(old.id)).status, 204);
    assert.equal(await shown(custom_domain), fresh.fingerprint);
  });

  test("may attach one that is pending, which is shown once it is verified", async () => {
    const custom_domain = "pending.example.com";
    const body = { name: freshName(), type: "lets_encrypt", dns_names: [custom_domain] };
    const { certificate } = (await atoll.api("POST", CERTIFICATES, { body })).json;
    await createEndpoint(atoll, originOf(freshName()), {
      custom_domain,
      certificate_id: certificate.id,
    });
    await until("it is shown", async () => (await shown(custom_domain)) !== undefined);
  });
});

describe("needs-cloudflare-cert", () => {
  test("has a certificate obtained for the domain, and shows what was asked for", async () => {
    const custom_domain = "own.example.com";
    const members = { custom_domain, certificate_id: OWN };
    const { id, certificate_id } = await createEndpoint(atoll, originOf(freshName()), members);
    assert.equal(certificate_id, OWN);
    const read = await atoll.api("GET", `${ENDPOINTS}/${id}`);
    assert.equal(read.json.endpoint.certificate_id, OWN);
    await until("it is shown", async () => (await shown(custom_domain)) !== undefined);
    const reply = await exchange(`${atoll.runtime.edge_tls}/none`, {
      ca: localCa(),
      servername: custom_domain,
      headers: { host: custom_domain },
    });
    assert.equal(reply.status, 404);
  });

  test("is in no list unless it is asked for, and cannot be deleted or given to another", async () => {
    const custom_domain = "hidden.example.com";
    const members = { custom_domain, certificate_id: OWN };
    await createEndpoint(atoll, originOf(freshName()), members);
    const listed = async (query: string) =>
      (await atoll.api("GET", `${CERTIFICATES}?${query}`)).json.certificates;
    assert.deepEqual(await listed(`name=${custom_domain}`), []);
    const [own] = await listed(`name=${custom_domain}&automatic=true`);
    assert(own !== undefined);
    assertProblem(await remove(own.id), 403, "forbidden", "not in use");
    const body = { origin: originOf(freshName()), custom_domain: "hidden2.example.com" };
    const given = await atoll.api("POST", ENDPOINTS, { body: { ...body, certificate_id: own.id } });
    assertProblem(given, 404, "not_found", "certificate not found");
  });

  test("follows the domain, and ends with it", async () => {
    const { id } = await createEndpoint(atoll, originOf(freshName()), {
      custom_domain: "before.example.com",
      certificate_id: OWN,
    });
    await put(id, { custom_domain: "after.example.com" });
    await until("it is shown", async () => (await shown("after.example.com")) !== undefined);
    assert.equal(await shown("before.example.com"), undefined);
    await put(id, { custom_domain: "", certificate_id: "" });
    assert.equal(await shown("after.example.com"), undefined);
  });

  test("takes the place of an uploaded one, and the other way round", async () => {
    const custom_domain = "changing.example.com";
    const { id: certificate_id, fingerprint } = await upload(custom_domain);
    const members = { custom_domain, certificate_id };
    const { id } = await createEndpoint(atoll, originOf(freshName()), members);
    await put(id, { certificate_id: OWN });
    await until("another is shown", async () => {
      const now = await shown(custom_domain);
      return now !== undefined && now !== fingerprint;
    });
    await put(id, { certificate_id });
    assert.equal(await shown(custom_domain), fingerprint);
  });
});

describe("after a restart", () => {
  test("certificates are what they were, and shown for what they were", async () => {
    const custom_domain = "lasting.example.com";
    const { id, fingerprint } = await upload(custom_domain);
    await createEndpoint(atoll, originOf(freshName()), { custom_domain, certificate_id: id });
    const before = (await atoll.api("GET", CERTIFICATES)).json.certificates;
    await atoll.restart();
    assert.deepEqual((await atoll.api("GET", CERTIFICATES)).json.certificates, before);
    assert.equal(await shown(custom_domain), fingerprint);
  });
});

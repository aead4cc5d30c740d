import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import {
  basic,
  OCI_MANIFEST,
  type OciRequest,
  pushImage,
  sha256,
  startOci,
} from "../support/oci.ts";

const oci = await startOci();
after(() => oci[Symbol.asyncDispose]());

const MANIFEST = "/v2/acme/app/manifests/v1";
await pushImage(oci, "acme/app", "v1", { layers: ["x"] });

const host = oci.url.replace("http://", "");

async function session(scope: string | readonly string[], token = oci.owner.token) {
  const scopes = [scope].flat().map((each) => `&scope=${each}`);
  const reply = await oci.ask("GET", `/token?service=${host}${scopes.join("")}`, { token });
  assert.equal(reply.status, 200, reply.text);
  return String(reply.json["token"]);
}

function bearing(text: string, more: OciRequest = {}): OciRequest {
  return { ...more, token: null, headers: { ...more.headers, authorization: `Bearer ${text}` } };
}

describe("who has not signed in", () => {
  test("gets a 401 that says where a session is had, and for what", async () => {
    const base = await oci.ask("GET", "/v2/", { token: null });
    assert.deepEqual([base.status, base.code], [401, "UNAUTHORIZED"]);
    assert.equal(
      base.headers["www-authenticate"],
      `Bearer realm="${oci.url}/token",service="${host}"`,
    );
    assert.equal(base.headers["docker-distribution-api-version"], "registry/2.0");
    const expected = [
      ["GET", MANIFEST, "repository:acme/app:pull"],
      ["PUT", MANIFEST, "repository:acme/app:pull,push"],
      ["POST", "/v2/acme/app/blobs/uploads/", "repository:acme/app:pull,push"],
      ["DELETE", MANIFEST, "repository:acme/app:delete"],
      ["GET", "/v2/_catalog", "registry:catalog:*"],
    ] as const;
    for (const [method, target, scope] of expected) {
      const reply = await oci.ask(method, target, { token: null });
      assert.equal(reply.status, 401, target);
      assert(reply.headers["www-authenticate"]?.includes(`scope="${scope}"`), target);
    }
  });

  test("is sent to the host that it asked, and never to one that it made up of other things", async () => {
    const reply = await oci.ask("GET", "/v2/", {
      token: null,
      headers: { host: "registry.example.net:5000" },
    });
    assert.match(
      reply.headers["www-authenticate"] ?? "",
      /^Bearer realm="http:\/\/registry\.example\.net:5000\/token",/,
    );
    const forged = { host: 'a",realm="http://evil' };
    const refused = await oci.ask("GET", "/v2/", { token: null, headers: forged });
    assert.equal(refused.status, 400);
  });

  test("gets no session", async () => {
    const reply = await oci.ask("GET", "/token?scope=repository:acme/app:pull", { token: null });
    assert.deepEqual([reply.status, reply.code], [401, "UNAUTHORIZED"]);
    assert.match(reply.headers["www-authenticate"] ?? "", /^Basic /);
    const wrong = await oci.ask("GET", "/token", { token: "dop_v1_wrong" });
    assert.equal(wrong.status, 401);
  });
});

describe("signing in", () => {
  test("works with an API token by Basic, whoever the user is, and by Bearer", async () => {
    assert.equal((await oci.ask("GET", "/v2/")).status, 200);
    assert.equal((await oci.ask("GET", "/v2/", bearing(oci.owner.token))).status, 200);
    const colons = basic(oci.owner.token).replace("Basic ", "basic ");
    const reply = await oci.ask("GET", "/v2/", { token: null, headers: { authorization: colons } });
    assert.equal(reply.status, 200);
  });

  test("a session is for what was asked, and lives for a quarter of an hour", async () => {
    const text = await session("repository:acme/app:pull");
    assert.equal((await oci.ask("GET", MANIFEST, bearing(text))).status, 200);
    const push = await oci.ask("POST", "/v2/acme/app/blobs/uploads/", bearing(text));
    assert.equal(push.status, 401);
    const challenge = push.headers["www-authenticate"] ?? "";
    assert.match(challenge, /scope="repository:acme\/app:pull,push",error="insufficient_scope"$/);
    const other = await oci.ask("GET", "/v2/acme/other/manifests/v1", bearing(text));
    assert.equal(other.status, 401);
    oci.clock.advance(899_000);
    assert.equal((await oci.ask("GET", MANIFEST, bearing(text))).status, 200);
    oci.clock.advance(2_000);
    const over = await oci.ask("GET", MANIFEST, bearing(text));
    assert.equal(over.status, 401);
    assert.match(over.headers["www-authenticate"] ?? "", /error="invalid_token"$/);
  });

  test("several scopes, in several parameters or in one", async () => {
    const scopes = ["repository:acme/app:pull", "repository:acme/b:pull,push"];
    for (const asked of [scopes, scopes.join("%20")]) {
      const text = await session(asked);
      assert.equal((await oci.ask("GET", MANIFEST, bearing(text))).status, 200);
      const push = await oci.ask("POST", "/v2/acme/b/blobs/uploads/", bearing(text));
      assert.equal(push.status, 202);
    }
  });

  test("OAuth2's form gives the same, with a password or a refresh token", async () => {
    const forms = [
      { grant_type: "password", username: "any", password: oci.owner.token },
      { grant_type: "refresh_token", refresh_token: oci.owner.token },
    ];
    for (const form of forms) {
      const scope = "repository:acme/app:pull";
      const body = new URLSearchParams({ ...form, service: host, client_id: "test", scope });
      const reply = await oci.ask("POST", "/token", { token: null, body: body.toString() });
      assert.equal(reply.status, 200, reply.text);
      assert.equal(reply.json["expires_in"], 900);
      const text = String(reply.json["access_token"]);
      assert.equal((await oci.ask("GET", MANIFEST, bearing(text))).status, 200);
    }
    const offline = new URLSearchParams({ ...forms[0], access_type: "offline" }).toString();
    const reply = await oci.ask("POST", "/token", { token: null, body: offline });
    assert.equal(reply.json["refresh_token"], oci.owner.token);
    const odd = await oci.ask("POST", "/token", { token: null, body: "grant_type=magic" });
    assert.equal(odd.status, 400);
  });

  test("a revoked token ends its sessions at once", async () => {
    const { id, text } = await oci.newToken(["write"]);
    const given = await session("repository:acme/app:pull", text);
    assert.equal((await oci.ask("GET", MANIFEST, bearing(given))).status, 200);
    await oci.storage.accounts.deleteToken(oci.owner.accountId, id);
    assert.equal((await oci.ask("GET", MANIFEST, bearing(given))).status, 401);
    assert.equal((await oci.ask("GET", MANIFEST, { token: text })).status, 401);
  });

  test("a session that somebody else signed is none", async () => {
    const text = await session("repository:acme/app:pull");
    const [head = "", claims = "", signature = ""] = text.split(".");
    const nobody = Buffer.from('{"alg":"none"}').toString("base64url");
    const other = Buffer.from(claims, "base64url").toString().replace('"pull"', '"push"');
    for (const forged of [
      `${head}.${Buffer.from(other).toString("base64url")}.${signature}`,
      `${nobody}.${claims}.x`,
    ]) {
      assert.equal((await oci.ask("GET", MANIFEST, bearing(forged))).status, 401);
    }
  });
});

describe("a token's scopes", () => {
  const actions = {
    pull: ["GET", MANIFEST],
    push: ["POST", "/v2/acme/app/blobs/uploads/"],
    delete: ["DELETE", "/v2/acme/app/manifests/none"],
  } as const;
  const table = [
    [["read"], ["pull"]],
    [["write"], ["pull", "push", "delete"]],
    [["registry:read"], ["pull"]],
    [
      ["registry:read", "registry:create"],
      ["pull", "push"],
    ],
    [["registry:update"], ["push"]],
    [["registry:delete"], ["delete"]],
    [["cdn:read"], []],
  ] as const;
  for (const [scopes, allowed] of table) {
    test(`${scopes.join(" and ")} allows to ${allowed.join(", ") || "do nothing"}`, async () => {
      const { text } = await oci.newToken(scopes);
      const given = await session("repository:acme/app:pull,push,delete", text);
      for (const [action, [method, target]] of Object.entries(actions)) {
        const may = (allowed as readonly string[]).includes(action);
        for (const request of [{ token: text }, bearing(given)]) {
          const reply = await oci.ask(method, target, request);
          if (may) assert(![401, 403].includes(reply.status), `${action} ${reply.text}`);
          else assert.deepEqual([reply.status, reply.code], [403, "DENIED"], action);
        }
      }
    });
  }

  test("another account's registry is as one that is not there", async () => {
    const { token } = await oci.newOwner("others");
    const [theirs, nothing] = await Promise.all(
      ["acme", "nothing"].map((name) => oci.ask("GET", `/v2/${name}/app/manifests/v1`, { token })),
    );
    assert.deepEqual([theirs?.status, theirs?.code], [404, "NAME_UNKNOWN"]);
    assert.equal(theirs?.text.replaceAll("acme", "nothing"), nothing?.text);
    const push = await oci.ask("PUT", MANIFEST, {
      token,
      body: "{}",
      headers: { "content-type": OCI_MANIFEST },
    });
    assert.equal(push.code, "NAME_UNKNOWN");
  });

  test("a mount takes nothing that the session may not read", async () => {
    const digest = await oci.push("acme/private", "private");
    const text = await session("repository:acme/app:pull,push");
    const target = `/v2/acme/app/blobs/uploads/?mount=${digest}&from=acme/private`;
    const lacking = await oci.ask("POST", target, bearing(text));
    assert.equal(lacking.status, 401);
    const scopes = "repository:acme/app:pull,push repository:acme/private:pull";
    const challenge = lacking.headers["www-authenticate"] ?? "";
    assert(challenge.includes(`scope="${scopes}",error="insufficient_scope"`), challenge);
    const both = await session(["repository:acme/app:pull,push", "repository:acme/private:pull"]);
    assert.equal((await oci.ask("POST", target, bearing(both))).status, 201);
  });
});

describe("guessing", () => {
  test("is slowed: 429 with when to come back", async () => {
    const limits = { enforced: true, hour: 100, minute: 3, cdn: 1, purgeFiles: 1 };
    await using slow = await startOci(limits);
    for (let tries = 0; tries < 3; tries += 1) {
      assert.equal((await slow.ask("GET", "/v2/", { token: `guess${tries}` })).status, 401);
    }
    const reply = await slow.ask("GET", "/token", { token: "guess" });
    assert.deepEqual([reply.status, reply.code], [429, "TOOMANYREQUESTS"]);
    assert.equal(reply.headers["retry-after"], "60");
    assert.equal((await slow.ask("GET", "/v2/", { token: null })).status, 401, "no guess");
    assert.equal((await slow.ask("GET", "/v2/")).status, 200, "no guess either");
    assert.equal((await slow.ask("GET", `/v2/acme/a/blobs/${sha256("x")}`)).status, 404);
  });
});

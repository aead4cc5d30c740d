import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { signTarget } from "#edge/policy/signed-url.ts";
import { Explained, PLATFORM_NAME, PROXY } from "./explain-fixture.ts";
import { APP, endpoint, host, NOW, RULE } from "./settings/support.ts";

describe("an explanation, of what is decided before anything is looked for,", () => {
  test("names the endpoint, the key, and what is asked", async () => {
    const { endpointId, decided } = await new Explained().answer({ target: "/a?b" });
    assert.equal(endpointId, endpoint.id);
    assert.deepEqual(decided, [
      { step: "request", lines: [`GET /a?b of ${host}, in the clear`] },
      {
        step: "endpoint",
        lines: [
          `${endpoint.id}, of the Space static in nyc3, whose objects are embedded here`,
          "what says nothing of its lifetime is fresh for its TTL: 3600 s",
        ],
      },
      { step: "gate", lines: ["nothing stands in the way"] },
      { step: "key", lines: [`${endpoint.id} /a?b`] },
      { step: "lookup", lines: ["the cache is asked"] },
    ]);
  });

  test("ends where no endpoint answers", async () => {
    const answer = await new Explained().answer({ host: "nobody.example" });
    assert.equal(answer.endpointId, undefined);
    assert.deepEqual(answer.found, []);
    assert.deepEqual(answer.decided.at(-1), {
      step: "endpoint",
      lines: ["none answers on this host: 404"],
    });
  });

  test("ends where the control plane answers, and says how", async () => {
    const explained = new Explained();
    const clear = await explained.answer({ host: PLATFORM_NAME });
    assert.equal(clear.isPlatform, true);
    assert.deepEqual(clear.decided.slice(1), [
      { step: "endpoint", lines: ["none: the host is a name of the platform's own"] },
      {
        step: "gate",
        lines: [
          "the edge answers by itself with 308: This is served over https only. A token that was sent in the clear is known to others.",
          `the reply has location: https://${PLATFORM_NAME}:8444/a`,
        ],
      },
    ]);
    const names = [PLATFORM_NAME];
    const certificate = { id: "c2", names, certPem: "", keyPem: "", notAfter: NOW };
    explained.feed.apply([{ number: 2, kind: "certificate-put", certificate }]);
    const [gate] = await explained.lines("gate", { host: PLATFORM_NAME, isTls: true });
    assert.equal(
      gate,
      "it is handed to the control plane as it comes, and nothing of it is stored",
    );
    assert.equal((await explained.answer()).isPlatform, undefined);
  });

  test("says that a CA is answered before anything else, and not with what", async () => {
    const explained = new Explained({ settings: { httpsRedirect: true } });
    const token = "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA";
    const target = `/.well-known/acme-challenge/${token}`;
    const kind = "http-01" as const;
    const challenge = { id: "1", kind, name: host, token, keyAuthorization: `${token}.secret` };
    explained.feed.apply([{ number: 2, kind: "challenge-put", challenge }]);
    const { decided, found } = await explained.answer({ target });
    assert.deepEqual(found, []);
    assert.match(decided.at(-1)?.lines.join() ?? "", /with 200: a CA looks here/);
    assert(!JSON.stringify(decided).includes("secret"));
    assert.match((await explained.lines("gate", { target: "/a" })).join(), /308/);
  });

  test("ends where there is no certificate for the name, and names the one that there is", async () => {
    const explained = new Explained();
    const { decided, found } = await explained.answer({ isTls: true });
    assert.deepEqual(
      decided.map(({ step }) => step),
      ["request", "tls"],
    );
    assert.deepEqual(found, []);
    const certificate = { id: "c1", names: [host], certPem: "", keyPem: "", notAfter: NOW };
    explained.feed.apply([{ number: 2, kind: "certificate-put", certificate }]);
    assert.deepEqual(await explained.lines("tls", { isTls: true }), [
      `the certificate c1 is shown, for ${host}`,
    ]);
    assert.equal((await explained.lines("answer", { isTls: true })).length, 1);
  });

  const SECRET = "0123456789abcdef";
  const gates = [
    {
      what: "a redirect",
      settings: { httpsRedirect: true },
      asked: {},
      says: /308: This is served over https\./,
    },
    {
      what: "a missing signature",
      settings: { signedUrls: { secrets: [SECRET] } },
      asked: {},
      says: /403: This URL is not signed\./,
    },
    {
      what: "a method",
      settings: {},
      asked: { method: "PUT" },
      says: /405: Only GET and HEAD are served here\./,
    },
    {
      what: "a loop",
      settings: {},
      asked: { fields: ["cdn-loop", "atoll-0a1b2c3d"] },
      says: /508/,
    },
    {
      what: "an error page",
      settings: { signedUrls: { secrets: [SECRET] }, errorPage: "403.html" },
      asked: {},
      says: /403\.html of the Space is its content/,
    },
  ];
  for (const { what, settings, asked, says } of gates) {
    test(`says why the edge answers by itself: ${what}`, async () => {
      const explained = new Explained({ settings });
      assert.match((await explained.lines("gate", asked)).join("\n"), says);
      assert.deepEqual((await explained.answer(asked)).found, []);
    });
  }

  test("has what a signed URL and the settings for queries leave of a target, and no secret", async () => {
    const settings = {
      signedUrls: { secrets: [SECRET] },
      query: { kind: "only" as const, names: ["w"] },
    };
    const explained = new Explained({ settings });
    const target = signTarget("/a?w=1&x=2", SECRET, NOW / 1_000 + 60);
    assert.deepEqual(await explained.lines("key", { target }), [`${endpoint.id} /a?w=1`]);
    assert.match((await explained.lines("gate", { target }))[1] ?? "", /^asked for is \/a\?w=1:/);
    assert(!JSON.stringify(await explained.answer({ target })).includes(SECRET));
  });

  test("has a preflight, and the lines that rules add to a reply", async () => {
    const explained = new Explained({ cors: [RULE] });
    const fields = ["origin", APP, "access-control-request-method", "GET"];
    const preflight = await explained.lines("gate", { method: "OPTIONS", fields });
    assert.match(preflight[0] ?? "", /200: a preflight that a rule of the Space allows/);
    const actual = await explained.lines("gate", { fields: ["origin", APP] });
    assert(actual.includes(`the reply has access-control-allow-origin: ${APP}`), actual.join("\n"));
  });

  const bypasses = [
    { why: "authorization", asked: { fields: ["authorization", "Basic c2VjcmV0"] } },
    { why: "presigned", asked: { target: "/a?X-Amz-Signature=abc" } },
  ];
  for (const { why, asked } of bypasses) {
    test(`says why the cache is left out: ${why}`, async () => {
      const explained = new Explained();
      assert.match((await explained.lines("lookup", asked))[0] ?? "", /^the cache is left out: /);
      assert.match((await explained.lines("answer", asked))[0] ?? "", /^BYPASS: /);
      assert.deepEqual(await explained.lines("stored", asked), []);
    });
  }

  test("tells the names of what a client says of itself, and no value", async () => {
    const fields = ["authorization", "Basic c2VjcmV0", "cookie", "sid=c2VjcmV0"];
    const answer = await new Explained(PROXY).answer({ method: "POST", fields });
    const text = JSON.stringify(answer);
    assert.match(text, /with what the client sent as authorization, cookie/);
    assert.match(text, /what is stored for this URL is dropped/);
    assert(!text.includes("c2VjcmV0"));
  });
});

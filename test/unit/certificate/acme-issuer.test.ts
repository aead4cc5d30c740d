import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import {
  type AcmeClient,
  AcmeError,
  type Authorization,
  type Challenge,
  type ChallengeAnswer,
  type ChallengeType,
  type Order,
} from "#acme/acme.ts";
import { acmeIssuer } from "#certificate/acme-issuer.ts";
import type { SelfCheck } from "#certificate/authorize.ts";
import type { Attempt, BegunOrder } from "#certificate/issuer.ts";
import type { Happened } from "#certificate/job.ts";
import { manualClock } from "#clock.ts";
import { openAuthority } from "../../support/certificates.ts";

const CA = "https://ca.example";
const ORDER = `${CA}/order/1`;
const authority = await openAuthority();
after(() => authority[Symbol.asyncDispose]());

interface CaOptions {
  /** What the CA finds when it looks: `valid`, or its words. */
  readonly verdict?: string;
  readonly check?: Partial<SelfCheck>;
  readonly fail?: (method: string) => AcmeError | undefined;
  /** The order as an earlier attempt has left it. */
  readonly status?: Order["status"];
  /** What the order is once it is finalized: of most CAs, `processing`. */
  readonly finalizedAs?: Order["status"];
}

/** A CA of one order for www.example.com, whose steps and answers are noted. */
async function openCa(options: CaOptions = {}) {
  const { verdict = "valid", check = {}, fail } = options;
  const pair = await authority.issue("www.example.com");
  const clock = manualClock(0);
  const asked: string[] = [];
  const answered = new Map<string, ChallengeAnswer>();
  let status = options.status ?? "pending";
  let proof: Authorization["status"] = "pending";
  const order = (): Order => ({
    url: ORDER,
    status,
    identifiers: [],
    authorizations: [`${CA}/authorization/1`],
    finalize: `${CA}/finalize`,
    certificate: `${CA}/certificate`,
  });
  const challenge = (type: ChallengeType): Challenge => ({
    type,
    url: `${CA}/challenge/${type}`,
    token: "token",
    status: proof === "valid" ? "valid" : "pending",
    ...(proof === "invalid" ? { error: { type: "dns", detail: verdict } } : {}),
  });
  const step = (method: string): void => {
    asked.push(method);
    const error = fail?.(method);
    if (error !== undefined) throw error;
  };
  const client: AcmeClient = {
    directory: CA,
    order: async () => {
      step("order");
      status = "pending";
      return order();
    },
    readOrder: async () => {
      step("readOrder");
      if (status === "processing") status = "valid";
      return order();
    },
    readAuthorization: async (url) => ({
      url,
      identifier: { type: "dns", value: "www.example.com" },
      wildcard: false,
      status: proof,
      challenges: [challenge("http-01"), challenge("tls-alpn-01")],
    }),
    deactivate: async () => step("deactivate"),
    keyAuthorization: async (token) => `${token}.thumbprint`,
    respond: async ({ type }) => {
      step(`respond ${type}`);
      assert(answered.has(`${CA}/challenge/${type}`), "answered before the CA is told");
      proof = verdict === "valid" ? "valid" : "invalid";
      status = verdict === "valid" ? "ready" : "invalid";
    },
    finalize: async () => {
      step("finalize");
      assert(asked.length < 1_000, "the CA is asked without end");
      status = options.finalizedAs ?? "processing";
      return order();
    },
    download: async () => {
      step("download");
      return pair.cert;
    },
    revoke: async () => step("revoke"),
    renewalWindow: async () => undefined,
  };
  const issuer = acmeIssuer({
    client,
    answers: {
      put: async (id, answer) => {
        answered.set(id, answer);
      },
      delete: async (id) => {
        answered.delete(id);
      },
    },
    check: { delegated: async () => false, fault: async () => undefined, ...check },
    clock,
    pause: async (ms) => clock.advance(ms),
    newKey: () => pair.key,
    request: async () => new Uint8Array([1]),
  });
  const kept: (BegunOrder | undefined)[] = [];
  const story: Happened[] = [];
  const obtain = (more: Partial<Attempt> = {}) =>
    issuer.obtain({
      names: ["www.example.com"],
      rotation: 0,
      keep: async (begun) => {
        kept.push(begun);
      },
      note: async (happened) => {
        story.push(happened);
      },
      ...more,
    });
  return { obtain, issuer, asked, answered, kept, story, pair };
}

describe("a certificate by ACME", () => {
  test("that nobody wants any more has its authorizations given up", async () => {
    const ca = await openCa();
    await ca.issuer.abandon(ORDER);
    assert.deepEqual(ca.asked, ["readOrder", "deactivate"]);
  });

  test("is ordered, proved, finalized, waited for and downloaded", async () => {
    const ca = await openCa();
    const { cert, key } = ca.pair;
    assert.deepEqual(await ca.obtain(), { kind: "issued", chain: cert, key });
    const steps = ["order", "respond http-01", "readOrder", "finalize", "readOrder", "download"];
    assert.deepEqual(ca.asked, steps);
    assert.deepEqual(ca.kept, [{ url: ORDER, key }], "kept before it was finalized");
    assert.equal(ca.answered.size, 0, "nothing is answered any more");
    assert.deepEqual(
      ca.story.map(({ kind, message }) => `${kind}: ${message}`),
      [`ordered: at ${CA}`, "challenge: http-01 for www.example.com"],
    );
  });

  for (const [status, steps] of [
    ["pending", ["readOrder", "respond http-01", "readOrder", "finalize", "readOrder", "download"]],
    ["ready", ["readOrder", "finalize", "readOrder", "download"]],
    ["processing", ["readOrder", "download"]],
    ["valid", ["readOrder", "download"]],
  ] as const) {
    test(`goes on with an order that is ${status}, and orders nothing`, async () => {
      const ca = await openCa({ status });
      const order = { url: ORDER, key: ca.pair.key };
      assert.equal((await ca.obtain({ order })).kind, "issued");
      assert.deepEqual(ca.asked, steps);
      assert.deepEqual(ca.kept, []);
    });
  }

  test("is ordered anew when the order has come to nothing, or the CA does not know it", async () => {
    const lost = new AcmeError("no such order", {
      problem: { type: "urn:ietf:params:acme:error:malformed", detail: "", status: 404 },
      permanent: false,
    });
    let told = false;
    for (const options of [
      { status: "invalid" },
      {
        fail: (method: string) => {
          if (method !== "readOrder" || told) return undefined;
          told = true;
          return lost;
        },
      },
    ] as const) {
      const ca = await openCa(options);
      const attempted = await ca.obtain({ order: { url: ORDER, key: "old" } });
      assert.equal(attempted.kind, "issued");
      assert.deepEqual(ca.asked.slice(0, 2), ["readOrder", "order"]);
    }
  });

  test("fails in the CA's words when it was not proved, and its order is let go", async () => {
    const ca = await openCa({ verdict: "NXDOMAIN looking up A" });
    const attempted = await ca.obtain();
    assert.deepEqual(attempted, {
      kind: "failed",
      failure: { message: "www.example.com: http-01: NXDOMAIN looking up A", permanent: false },
      rotate: true,
    });
    assert.equal(ca.kept.at(-1), undefined);
    assert.equal(ca.answered.size, 0);
  });

  test("is proved by another challenge once one has failed", async () => {
    const ca = await openCa();
    await ca.obtain({ rotation: 1 });
    assert(ca.asked.includes("respond tls-alpn-01"));
  });

  test("does not ask the CA to look at what is wrong already as seen from here", async () => {
    const ca = await openCa({ check: { fault: async () => "DNS has no address" } });
    const attempted = await ca.obtain();
    assert(attempted.kind === "failed");
    assert.match(attempted.failure.message, /http-01: seen from here, DNS has no address/);
    assert.equal(attempted.rotate, true);
    assert.deepEqual(ca.asked, ["order"]);
    assert.equal(ca.kept.length, 1, "the order is as good as before");
    assert.equal(ca.answered.size, 0);
  });

  test("fails as the CA refuses, with its Retry-After, and keeps its order", async () => {
    const about = { permanent: false, retryAt: 7_000 };
    const fail = (method: string) =>
      method === "finalize" ? new AcmeError("too many certificates", about) : undefined;
    const ca = await openCa({ fail });
    assert.deepEqual(await ca.obtain(), {
      kind: "failed",
      failure: { message: "too many certificates", ...about },
      rotate: false,
    });
    assert.equal(ca.kept.length, 1);
  });

  test("is waited for where the CA has taken the request and says nothing of it yet", async () => {
    const ca = await openCa({ status: "ready", finalizedAs: "ready" });
    const attempted = await ca.obtain({ order: { url: ORDER, key: ca.pair.key } });
    assert(attempted.kind === "failed");
    assert.match(attempted.failure.message, /not finished in time; its order is kept/);
    assert(
      ca.asked.length < 250,
      `the CA was asked ${ca.asked.length} times in a quarter of an hour`,
    );
  });

  test("is not taken for the key of another", async () => {
    const ca = await openCa({ status: "valid" });
    const other = await authority.issue("www.example.com");
    const attempted = await ca.obtain({ order: { url: ORDER, key: other.key } });
    assert(attempted.kind === "failed");
    assert.match(attempted.failure.message, /cannot be used: it is of another key/);
    assert.deepEqual(ca.kept, [undefined]);
  });
});

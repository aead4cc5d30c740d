import assert from "node:assert/strict";
import { kill } from "node:process";
import { after, describe, test } from "node:test";
import { type ApiReply, startAtoll } from "../support/atoll.ts";
import { noProcesses } from "../support/processes.ts";
import { until } from "../support/until.ts";
import {
  assertProblem,
  createEndpoint,
  createToken,
  freshName,
  originOf,
} from "../support/world.ts";

const ACCOUNT = "/v2/account";
const LIST = "/v2/cdn/endpoints";

/** Small enough to be met in a test; the minute's and the hour's are on servers of their own. */
const hourly = await startAtoll({
  env: { ATOLL_RATE_LIMITS: "on", ATOLL_RATE_LIMIT_HOUR: "12", ATOLL_RATE_LIMIT_CDN: "5" },
});
after(() => hourly[Symbol.asyncDispose]());
const byMinute = await startAtoll({
  env: {
    ATOLL_RATE_LIMITS: "on",
    ATOLL_RATE_LIMIT_MINUTE: "6",
    ATOLL_RATE_LIMIT_CDN: "1000",
    ATOLL_RATE_LIMIT_PURGE_FILES: "10",
  },
});
after(() => byMinute[Symbol.asyncDispose]());

async function freshToken(atoll: typeof hourly, scopes?: readonly string[]): Promise<string> {
  return (await createToken(atoll, scopes === undefined ? {} : { scopes })).secret;
}

/** What a limiter says in a reply's fields. */
function limitOf({ headers }: ApiReply) {
  return {
    limit: Number(headers["ratelimit-limit"]),
    remaining: Number(headers["ratelimit-remaining"]),
    secondsToReset: Number(headers["ratelimit-reset"]) - Date.now() / 1_000,
    retryAfter: headers["retry-after"],
  };
}

function assertNear(actual: number, expected: number): void {
  assert(Math.abs(actual - expected) < 5, `${actual} is not about ${expected}`);
}

describe("the hourly limit", () => {
  test("is counted down for each token by itself", async () => {
    const [one, other] = [await freshToken(hourly), await freshToken(hourly)];
    const first = limitOf(await hourly.api("GET", ACCOUNT, { token: one }));
    assert.equal(first.limit, 12);
    assert.equal(first.remaining, 11);
    assertNear(first.secondsToReset, 3_600);
    assert.equal(limitOf(await hourly.api("GET", ACCOUNT, { token: one })).remaining, 10);
    assert.equal(limitOf(await hourly.api("GET", ACCOUNT, { token: other })).remaining, 11);
  });

  test("resets when the oldest request that counts is an hour old, and not before", async () => {
    const token = await freshToken(hourly);
    const first = await hourly.api("GET", ACCOUNT, { token });
    const second = await hourly.api("GET", ACCOUNT, { token });
    assert.equal(second.headers["ratelimit-reset"], first.headers["ratelimit-reset"]);
  });

  test("counts errors too", async () => {
    const token = await freshToken(hourly);
    const reply = await hourly.api("GET", `${LIST}/unknown`, { token });
    assert.equal(reply.status, 404);
    assert.equal(limitOf(reply).remaining, 11);
  });

  test("answers 429 once it is used up, and says how long to wait and what lifts it", async () => {
    const token = await freshToken(hourly);
    for (let sent = 0; sent < 12; sent += 1) {
      assert.equal((await hourly.api("GET", ACCOUNT, { token })).status, 200);
    }
    const reply = await hourly.api("GET", ACCOUNT, { token });
    assertProblem(reply, 429, "too_many_requests", "API rate limit exceeded");
    assert(reply.json.message.includes("ATOLL_RATE_LIMIT_HOUR"));
    const { limit, remaining, secondsToReset, retryAfter } = limitOf(reply);
    assert.deepEqual({ limit, remaining }, { limit: 12, remaining: 0 });
    assertNear(secondsToReset, 3_600);
    assert.match(String(retryAfter), /^\d+$/);
    assertNear(Number(retryAfter), 3_600);
  });

  test("answers 429 before it looks at the scope", async () => {
    const token = await freshToken(hourly, ["account:read"]);
    for (let sent = 0; sent < 5; sent += 1) {
      assert.equal((await hourly.api("GET", LIST, { token })).status, 403);
    }
    assert.equal((await hourly.api("GET", LIST, { token })).status, 429);
  });
});

describe("the CDN limit", () => {
  test("is 5 requests in 10 seconds over all CDN routes together, and slides", async () => {
    const token = await freshToken(hourly);
    const startedAt = performance.now();
    const { json } = await hourly.api("POST", LIST, { token, body: { origin: originOf("five") } });
    const target = `${LIST}/${json.endpoint.id}`;
    await until("a second passes between the first and the rest", () => {
      return performance.now() - startedAt > 1_100;
    });
    await hourly.api("GET", LIST, { token });
    await hourly.api("GET", target, { token });
    await hourly.api("PUT", target, { token, body: { ttl: 60 } });
    const fifth = await hourly.api("DELETE", `${target}/cache`, { token, body: { files: ["*"] } });
    assert.equal(fifth.status, 204);
    assert.equal(fifth.headers["ratelimit-limit"], "12", "the hourly window, as on every reply");

    const sixth = await hourly.api("GET", target, { token });
    assertProblem(sixth, 429, "too_many_requests", "ATOLL_RATE_LIMIT_CDN");
    const { limit, remaining, secondsToReset, retryAfter } = limitOf(sixth);
    assert.deepEqual({ limit, remaining }, { limit: 5, remaining: 0 });
    assertNear(secondsToReset, 9);
    const elsewhere = await hourly.api("GET", ACCOUNT, { token });
    assert.equal(elsewhere.status, 200, "what is no CDN route is not limited by it");

    const mayAskAt = performance.now() + Number(retryAfter) * 1_000;
    await until("what Retry-After asked for has passed", () => performance.now() >= mayAskAt);
    assert(
      mayAskAt - startedAt < 11_500,
      "the first request stops counting 10 s after its own time",
    );
    assert.equal((await hourly.api("GET", target, { token })).status, 200);
    const next = await hourly.api("GET", target, { token });
    assert.equal(next.status, 429, "only the first has stopped counting");
  });
});

describe("the limit of a minute", () => {
  test("answers 429 with its own window", async () => {
    const token = await freshToken(byMinute);
    for (let sent = 0; sent < 6; sent += 1) {
      const reply = await byMinute.api("GET", ACCOUNT, { token });
      assert.equal(limitOf(reply).limit, 5_000);
    }
    const reply = await byMinute.api("GET", ACCOUNT, { token });
    assertProblem(reply, 429, "too_many_requests", "ATOLL_RATE_LIMIT_MINUTE");
    const { limit, remaining, secondsToReset, retryAfter } = limitOf(reply);
    assert.deepEqual({ limit, remaining }, { limit: 6, remaining: 0 });
    assertNear(secondsToReset, 60);
    assertNear(Number(retryAfter), 60);
  });

  test("counts failed sign-ins against their address and against no token", async () => {
    const token = await freshToken(byMinute);
    const guess = () => byMinute.api("GET", ACCOUNT, { token: "guess" });
    const statuses: number[] = [];
    for (let sent = 0; sent < 7; sent += 1) statuses.push((await guess()).status);
    assert.deepEqual(statuses, [401, 401, 401, 401, 401, 401, 429]);
    assert.match(String((await guess()).headers["retry-after"]), /^\d+$/);
    assert.equal((await byMinute.api("GET", ACCOUNT, { token })).status, 200);
  });
});

describe("the limit of purged files", () => {
  test("counts the strings in `files` over 20 seconds, a wildcard as one", async () => {
    const token = await freshToken(byMinute);
    const { id } = await createEndpoint(byMinute, originOf(freshName()), {}, token);
    const purge = (files: readonly string[]) =>
      byMinute.api("DELETE", `${LIST}/${id}/cache`, { token, body: { files } });
    const eight = ["*", ...Array.from({ length: 7 }, (_, index) => `file-${index}`)];
    assert.equal((await purge(eight)).status, 204);
    const reply = await purge(["x", "y", "z"]);
    assertProblem(reply, 429, "too_many_requests", "ATOLL_RATE_LIMIT_PURGE_FILES");
    const { limit, remaining, secondsToReset, retryAfter } = limitOf(reply);
    assert.deepEqual({ limit, remaining }, { limit: 10, remaining: 0 });
    assertNear(secondsToReset, 20);
    assertNear(Number(retryAfter), 20);
    assert.equal((await purge(["x", "y"])).status, 204, "two still fit");
  });

  test("refuses more than fit in one request as 422: waiting would not help", async () => {
    const token = await freshToken(byMinute);
    const { id } = await createEndpoint(byMinute, originOf(freshName()), {}, token);
    const files = Array.from({ length: 11 }, (_, index) => `file-${index}`);
    const reply = await byMinute.api("DELETE", `${LIST}/${id}/cache`, { token, body: { files } });
    assertProblem(reply, 422, "unprocessable_entity", "files", "10");
  });
});

describe("two identical purges at once", { skip: noProcesses }, () => {
  test("are one purge: the second is told to come back in a second", async () => {
    const token = await freshToken(byMinute);
    const { id } = await createEndpoint(byMinute, originOf(freshName()), {}, token);
    const purge = (files: readonly string[]) =>
      byMinute.api("DELETE", `${LIST}/${id}/cache`, { token, body: { files } });
    // A worker that is stopped keeps the first purge waiting, for 2 seconds at most.
    for (const worker of byMinute.workers) kill(worker, "SIGSTOP");
    const startedAt = performance.now();
    const files = ["a.txt", "b.txt"];
    const replies = await Promise.all([purge(files), purge(files)]);
    const [done, refused] = replies.toSorted((one, other) => one.status - other.status);
    assert.equal(done?.status, 204);
    assert(refused !== undefined);
    assertProblem(refused, 429, "too_many_requests");
    assert.equal(refused.headers["retry-after"], "1");
    assert(performance.now() - startedAt < 5_000, "a worker that is stopped holds nobody up");
  });
});

describe("the operator's credential", () => {
  test("is not limited", async () => {
    for (let sent = 0; sent < 15; sent += 1) {
      assert.equal((await hourly.operator("GET", "/atoll/v1/accounts")).status, 200);
    }
  });
});

import assert from "node:assert/strict";
import type { Endpoint } from "./api-body.ts";
import type { ApiReply, Atoll } from "./atoll.ts";

/** Things that tests begin with. Each is made through the API and asserted to be there. */

let made = 0;

/** A name that no other test of this process has. */
export function freshName(prefix = "files"): string {
  made += 1;
  return `${prefix}-${made}`;
}

export function originOf(space: string): string {
  return `${space}.nyc3.digitaloceanspaces.com`;
}

/** Where the edge serves a Space of nyc3. */
export function hostOf(space: string): string {
  return `${space}.nyc3.cdn.digitaloceanspaces.com`;
}

export async function createEndpoint(
  atoll: Atoll,
  origin: string,
  members: Readonly<Record<string, unknown>> = {},
  token?: string,
): Promise<Endpoint> {
  const reply = await atoll.api("POST", "/v2/cdn/endpoints", {
    body: { origin, ...members },
    ...(token === undefined ? {} : { token }),
  });
  assert.equal(reply.status, 201, reply.text);
  return reply.json.endpoint;
}

/** Another account, and a token of it that may do everything. */
export async function createAccount(atoll: Atoll, email: string): Promise<string> {
  const reply = await atoll.operator("POST", "/atoll/v1/accounts", { body: { email } });
  assert.equal(reply.status, 201, reply.text);
  return (await createToken(atoll, { account: email })).secret;
}

export interface NewToken {
  readonly account?: string;
  readonly name?: string;
  readonly scopes?: readonly string[];
  readonly expires_in_seconds?: number;
}

export async function createToken(
  atoll: Atoll,
  token: NewToken = {},
): Promise<{ readonly id: string; readonly secret: string }> {
  const { account, ...members } = token;
  const reply = await atoll.operator("POST", "/atoll/v1/tokens", {
    body: { name: freshName("token"), scopes: ["write"], ...members },
    ...(account === undefined ? {} : { account }),
  });
  assert.equal(reply.status, 201, reply.text);
  return { id: reply.json.token.id, secret: reply.json.secret };
}

export interface NewObject {
  readonly type?: string;
  readonly cacheControl?: string;
  readonly account?: string;
}

/** Puts an object into an embedded Space of nyc3. */
export async function putObject(
  atoll: Atoll,
  space: string,
  key: string,
  bytes: string | Uint8Array,
  object: NewObject = {},
): Promise<ApiReply> {
  const target = `/atoll/v1/spaces/nyc3/${space}/object?key=${encodeURIComponent(key)}`;
  const reply = await atoll.operator("PUT", target, {
    raw: bytes,
    headers: {
      "content-type": object.type ?? "text/plain",
      ...(object.cacheControl === undefined ? {} : { "cache-control": object.cacheControl }),
    },
    ...(object.account === undefined ? {} : { account: object.account }),
  });
  assert(reply.status < 300, reply.text);
  return reply;
}

export async function createSpace(
  atoll: Atoll,
  name: string,
  members: Readonly<Record<string, unknown>> = {},
  account?: string,
): Promise<void> {
  const reply = await atoll.operator("POST", "/atoll/v1/spaces", {
    body: { name, region: "nyc3", ...members },
    ...(account === undefined ? {} : { account }),
  });
  assert.equal(reply.status, 201, reply.text);
}

/** A reply that is an error: its status, its id, and words that its message must hold. */
export function assertProblem(
  reply: ApiReply,
  status: number,
  id: string,
  ...words: readonly (string | RegExp)[]
): void {
  assert.equal(reply.status, status, reply.text);
  assert.equal(reply.json.id, id);
  assert.equal(reply.json.request_id, reply.headers["x-request-id"]);
  for (const word of words) {
    if (typeof word === "string") {
      assert(reply.json.message.includes(word), `"${reply.json.message}" does not say "${word}"`);
    } else assert.match(reply.json.message, word);
  }
}

import { createHash, randomUUID } from "node:crypto";
import { Agent } from "node:http";
import { hashToken, newTokenText } from "#account/token.ts";
import { RateLimiter, type RateLimits } from "#api/rate-limit.ts";
import { manualClock } from "#clock.ts";
import { RegistryDoor } from "#oci/door.ts";
import { startRegistryServer } from "#oci/server.ts";
import { sessionsUnder } from "#oci/session.ts";
import { SignIn } from "#oci/sign-in.ts";
import { Streams } from "#oci/streams.ts";
import { UploadTurns } from "#oci/upload-turns.ts";
import type { TierSlug } from "#registry/tier.ts";
import { openTemporaryStorage, type TemporaryStorage } from "../contract/temporary-storage.ts";
import { exchange, type Reply } from "./exchange.ts";

export interface OciRequest {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** Null sends no Authorization; absent is the owner's token, by Basic. */
  readonly token?: string | null;
}

export interface OciReply extends Reply {
  /** The first error's code, or nothing. */
  readonly code: string | undefined;
  readonly message: string;
  readonly json: Record<string, unknown>;
}

interface Owner {
  readonly accountId: number;
  readonly token: string;
}

/** A registry in this process, on a storage of its own, whose clock moves when told to. */
export interface OciWorld extends AsyncDisposable {
  readonly storage: TemporaryStorage;
  readonly clock: ReturnType<typeof manualClock>;
  readonly turns: UploadTurns;
  readonly url: string;
  readonly owner: Owner;
  ask(method: string, target: string, request?: OciRequest): Promise<OciReply>;
  /** Another token of an account; of the owner's when none is named. */
  newToken(scopes: readonly string[], accountId?: number): Promise<{ id: string; text: string }>;
  newOwner(registry: string, tier?: TierSlug): Promise<Owner>;
  /** A blob in a repository; its digest. */
  push(name: string, content: string | Uint8Array): Promise<string>;
}

const LIMITS_OFF: RateLimits = { enforced: false, hour: 1, minute: 1, cdn: 1, purgeFiles: 1 };

export const NOON = Date.UTC(2026, 10, 22, 12);

export function basic(token: string): string {
  return `Basic ${Buffer.from(`user:${token}`).toString("base64")}`;
}

export function sha256(content: string | Uint8Array): string {
  return `sha256:${createHash("sha256").update(content).digest("hex")}`;
}

/** With a registry `acme` of the owner's, on the tier that allows everything. */
export async function startOci(limits: RateLimits = LIMITS_OFF): Promise<OciWorld> {
  await using stack = new AsyncDisposableStack();
  const storage = stack.use(await openTemporaryStorage());
  const clock = manualClock(NOON);
  const turns = new UploadTurns(clock);
  const sessions = sessionsUnder(new Uint8Array(32), clock);
  const { accounts, content: store, blobs: files, uploads, registries } = storage;
  const log = { info: () => undefined, warn: () => undefined, error: console.error };
  const door = new RegistryDoor({
    store,
    files,
    uploads,
    turns,
    streams: new Streams(),
    sessions,
    signIn: new SignIn({
      accounts,
      sessions,
      uses: { note: () => undefined },
      strangers: new RateLimiter(limits, clock),
      clock,
    }),
    newId: randomUUID,
    clock,
    log,
  });
  const address = { host: "127.0.0.1", port: 0, variable: "nothing" };
  const server = stack.use(await startRegistryServer(door, address));
  const agent = new Agent({ keepAlive: true });
  stack.defer(() => agent.destroy());
  const url = `http://127.0.0.1:${server.port}`;

  const newToken = async (scopes: readonly string[], accountId: number) => {
    const [id, text] = [randomUUID(), newTokenText()];
    const hash = hashToken(text);
    await accounts.createToken({ id, accountId, hash, name: "test", scopes, createdAt: NOON });
    return { id, text };
  };
  const newOwner = async (registry: string, tier: TierSlug = "professional"): Promise<Owner> => {
    const email = `${randomUUID()}@example.net`;
    const account = await accounts.createAccount({
      uuid: randomUUID(),
      email,
      name: email,
      createdAt: NOON,
    });
    if (account === "email-taken") throw new Error("Expected a new account");
    const { id: accountId } = account;
    await registries.create({ accountId, name: registry, region: "nyc3", createdAt: NOON }, tier);
    return { accountId, token: (await newToken(["write"], accountId)).text };
  };
  const owner = await newOwner("acme");
  const ask = async (method: string, target: string, request: OciRequest = {}) => {
    const token = request.token === undefined ? owner.token : request.token;
    const reply = await exchange(url + target, {
      method,
      agent,
      ...(request.body === undefined ? {} : { body: request.body }),
      headers: {
        ...(token === null ? {} : { authorization: basic(token) }),
        ...(request.body === undefined && method !== "GET" && method !== "HEAD"
          ? { "content-length": "0" }
          : {}),
        ...request.headers,
      },
    });
    return toOciReply(reply);
  };
  const owned = stack.move();
  return {
    storage,
    clock,
    turns,
    url,
    owner,
    ask,
    newToken: (scopes, accountId = owner.accountId) => newToken(scopes, accountId),
    newOwner,
    push: async (name, content) => {
      const digest = sha256(content);
      const target = `/v2/${name}/blobs/uploads/?digest=${digest}`;
      const reply = await ask("POST", target, { body: content });
      if (reply.status !== 201) throw new Error(`Not pushed: ${reply.status} ${reply.text}`);
      return digest;
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function toOciReply(reply: Reply): OciReply {
  const isJson = /[/+]json/.test(reply.headers["content-type"] ?? "") && reply.text !== "";
  const json = (isJson ? JSON.parse(reply.text) : {}) as Record<string, unknown>;
  const errors = json["errors"] as readonly { code: string; message: string }[] | undefined;
  return { ...reply, json, code: errors?.[0]?.code, message: errors?.[0]?.message ?? "" };
}

export const OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json";
export const OCI_INDEX = "application/vnd.oci.image.index.v1+json";

export interface NewImage {
  readonly layers?: readonly (string | Uint8Array)[];
  readonly config?: string;
  readonly more?: Readonly<Record<string, unknown>>;
}

/** An image's manifest; its config and layers are pushed. */
export async function imageManifest(
  world: Pick<OciWorld, "push">,
  name: string,
  { layers = [], config = "{}", more = {} }: NewImage = {},
): Promise<string> {
  const descriptor = async (content: string | Uint8Array, mediaType: string) => ({
    mediaType,
    digest: await world.push(name, content),
    size: Buffer.byteLength(content),
  });
  return JSON.stringify({
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: await descriptor(config, "application/vnd.oci.image.config.v1+json"),
    layers: await Promise.all(
      layers.map((layer) => descriptor(layer, "application/vnd.oci.image.layer.v1.tar+gzip")),
    ),
    ...more,
  });
}

/** Pushes an image under a reference. @returns its manifest's digest */
export async function pushImage(
  world: Pick<OciWorld, "push" | "ask">,
  name: string,
  reference: string,
  image: NewImage = {},
): Promise<string> {
  const body = await imageManifest(world, name, image);
  const reply = await world.ask("PUT", `/v2/${name}/manifests/${reference}`, {
    body,
    headers: { "content-type": OCI_MANIFEST },
  });
  if (reply.status !== 201) throw new Error(`Not pushed: ${reply.status} ${reply.text}`);
  return sha256(body);
}

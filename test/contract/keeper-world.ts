import assert from "node:assert/strict";
import { randomBytes, randomUUID } from "node:crypto";
import { after } from "node:test";
import { OWN_CERTIFICATE } from "#cdn/endpoint.ts";
import type { Certificate } from "#certificate/certificate.ts";
import type { Attempt, Attempted, Issuer } from "#certificate/issuer.ts";
import { CertificateKeeper } from "#certificate/keeper.ts";
import { manualClock, systemClock } from "#clock.ts";
import { sealUnder } from "#seal.ts";
import { openAuthority } from "../support/certificates.ts";
import { openTemporaryStorage, type TemporaryStorage } from "./temporary-storage.ts";

export const CA = "https://ca.example/directory";
export const DAY_MS = 86_400_000;
const LOG = { info: () => undefined, warn: () => undefined, error: () => undefined };
const authority = await openAuthority();
after(() => authority[Symbol.asyncDispose]());

/** A CA that issues. */
export async function issue({ names }: Pick<Attempt, "names">): Promise<Attempted> {
  const { cert, key } = await authority.issue(...names);
  return { kind: "issued", chain: cert, key };
}

/** What a CA that does not issue has said. */
export function failed(
  message: string,
  more: { permanent?: boolean; rotate?: boolean } = {},
): Attempted {
  const { permanent = false, rotate = false } = more;
  return { kind: "failed", failure: { message, permanent }, rotate };
}

/** A keeper over a real storage, and a CA that does what the test says. */
export async function openWorld() {
  await using stack = new AsyncDisposableStack();
  const storage: TemporaryStorage = stack.use(await openTemporaryStorage());
  const account = await storage.accounts.createAccount({
    uuid: randomUUID(),
    email: "owner@localhost",
    name: "owner",
    createdAt: 1,
  });
  assert(account !== "email-taken");
  const clock = manualClock(systemClock.now());
  const seal = sealUnder(randomBytes(32));
  const settled: number[] = [];
  const abandoned: string[] = [];
  const keeperOf = (obtain: Issuer["obtain"], window: Issuer["window"] = async () => undefined) => {
    const keeper = new CertificateKeeper({
      jobs: storage.certificateJobs,
      issuer: {
        name: CA,
        obtain,
        abandon: async (order) => {
          abandoned.push(order);
        },
        window,
      },
      seal,
      settled: async (number) => {
        settled.push(number);
      },
      clock,
      random: () => 0,
      log: LOG,
      stop: new AbortController(),
    });
    return keeper;
  };
  const create = async (): Promise<string> => {
    const id = randomUUID();
    const certificate: Certificate = {
      id,
      accountId: account.id,
      name: id,
      type: "lets_encrypt",
      dnsNames: ["www.example.com"],
      state: "pending",
      createdAt: 1,
    };
    await storage.accountCertificates.create(certificate);
    // What was created in the transaction's time is due in the keeper's.
    await storage.certificateJobs.save(id, { dueAt: clock.now(), failures: 0, rotation: 0 });
    return id;
  };
  /** One with a certificate of its own, which is at once due. */
  const createEndpoint = async () => {
    const origin = { name: randomUUID().slice(0, 8), region: "nyc3", domain: "spaces.localhost" };
    const own = { customDomain: "www.example.com", certificateId: OWN_CERTIFICATE };
    const made = {
      id: randomUUID(),
      accountId: account.id,
      origin,
      ttl: 60,
      createdAt: 1,
    } as const;
    const created = await storage.endpoints.create({ ...made, ...own }, { strict: false });
    assert(created.kind !== "refused");
    const filter = { automatic: true };
    const [certificate] = storage.accountCertificates.page(account.id, filter, 0, 1).rows;
    assert(certificate !== undefined);
    return { endpoint: created.endpoint, certificateId: certificate.id };
  };
  const find = (id: string) => {
    const found = storage.accountCertificates.find(account.id, id);
    assert(found !== undefined);
    return found;
  };
  const job = (id: string) => {
    const found = storage.certificateJobs.find(id);
    assert(found !== undefined);
    return found;
  };
  const story = (id: string) => storage.accountCertificates.events(id);
  const owned = stack.move();
  const dispose = { [Symbol.asyncDispose]: () => owned.disposeAsync() };
  const kept = { storage, account, clock, seal, settled, abandoned };
  return { ...dispose, ...kept, keeperOf, create, createEndpoint, find, job, story };
}

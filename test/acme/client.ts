import { setTimeout as delay } from "node:timers/promises";
import type { AccountKey, AccountKeys } from "#acme/account-keys.ts";
import { type AcmeClient, AcmeError, type Authorization, type Order } from "#acme/acme.ts";
import { type AcmeClientOptions, acmeClient } from "#acme/client.ts";
import { systemClock } from "#clock.ts";
import { createLogger } from "#log.ts";
import { certificateId } from "#x509/certificate-id.ts";
import { certificateRequest, newCertificateKey } from "#x509/csr.ts";
import type { Answers } from "./answers.ts";

/** Our client, as a program has it. */
export function clientOf(
  options: Pick<AcmeClientOptions, "directory"> & Partial<AcmeClientOptions>,
): AcmeClient {
  return acmeClient({
    keys: memoryKeys(),
    email: undefined,
    externalAccount: undefined,
    caPem: undefined,
    clock: systemClock,
    signal: new AbortController().signal,
    log: createLogger("silent"),
    certificateId,
    ...options,
  });
}

export function memoryKeys(kept = new Map<string, AccountKey>()): AccountKeys {
  return {
    find: async (directory) => kept.get(directory),
    save: async (directory, account) => {
      kept.set(directory, account);
    },
  };
}

export interface Obtained {
  readonly order: Order;
  readonly chain: string;
  readonly keyPem: string;
}

const POLL_EVERY_MS = 250;
const TRIES_MAX = 200;

/** From a name to its certificate, each step again for as long as that may help. */
export async function obtain(
  client: AcmeClient,
  names: readonly string[],
  answers: Answers,
  wishes: Parameters<AcmeClient["order"]>[1] = {},
): Promise<Obtained> {
  const made = await persistently(() => client.order(names, wishes));
  for (const url of made.authorizations) await authorize(client, url, answers);
  const ready = await polled(
    () => client.readOrder(made.url),
    ({ status }) => status !== "pending",
  );
  const keyPem = newCertificateKey();
  const csr = await certificateRequest(keyPem, names);
  await persistently(() => client.finalize(ready, csr));
  const order = await polled(
    () => client.readOrder(made.url),
    ({ status }) => status === "valid" || status === "invalid",
  );
  return { order, chain: await persistently(() => client.download(order)), keyPem };
}

async function authorize(client: AcmeClient, url: string, answers: Answers): Promise<void> {
  const read = () => client.readAuthorization(url);
  const challengeOf = ({ challenges }: Authorization) =>
    challenges.find(({ type }) => type === answers.type);
  const authorization = await persistently(read);
  const challenge = challengeOf(authorization);
  if (challenge === undefined) throw new Error(`There is no ${answers.type} to be answered`);
  const keyAuthorization = await client.keyAuthorization(challenge.token);
  await answers.put({
    name: authorization.identifier.value,
    token: challenge.token,
    keyAuthorization,
  });
  // An answer that was lost on the way shows in what the CA says next.
  await persistently(async () => {
    const current = challengeOf(await read());
    if (current !== undefined) await client.respond(current);
  });
  const end = await polled(read, (seen) => seen.status !== "pending");
  const why = challengeOf(end)?.error?.detail ?? "";
  if (end.status !== "valid") throw new Error(`The authorization is ${end.status}: ${why}`);
}

async function polled<T>(read: () => Promise<T>, isDone: (seen: T) => boolean): Promise<T> {
  for (let tries = 0; tries < TRIES_MAX; tries += 1) {
    const seen = await persistently(read);
    if (isDone(seen)) return seen;
    await delay(POLL_EVERY_MS);
  }
  throw new Error("Asked in vain for too long");
}

/** As the state machine does it, but without its patience. */
export async function persistently<T>(step: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await step();
    } catch (error) {
      if (!(error instanceof AcmeError) || error.permanent || tries === TRIES_MAX) throw error;
      await delay(
        error.retryAt === undefined ? 10 : Math.max(0, error.retryAt - systemClock.now()),
      );
    }
  }
}

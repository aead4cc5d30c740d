import { createPrivateKey, X509Certificate } from "node:crypto";
import { type AcmeClient, AcmeError, type Order } from "#acme/acme.ts";
import type { Clock } from "#clock.ts";
import { unreachable } from "#unreachable.ts";
import { authorize, giveUp, type ProofParts } from "./authorize.ts";
import type { Attempt, Attempted, BegunOrder, Issuer } from "./issuer.ts";
import { nextOrderStep } from "./order-step.ts";

export interface AcmeIssuerParts extends ProofParts {
  readonly client: AcmeClient;
  /** Absent: the CA's own choice. */
  readonly profile?: string;
  /** A new private key: PKCS #8, PEM. */
  readonly newKey: () => string;
  /** A request for these names, signed by the key. @returns DER */
  readonly request: (key: string, names: readonly string[]) => Promise<Uint8Array>;
}

/** An attempt ends after this: its order is kept, and the next one goes on with it. */
const ATTEMPT_MS_MAX = 15 * 60_000;

/** A CA by ACME (RFC 8555). */
export function acmeIssuer(parts: AcmeIssuerParts): Issuer {
  const { client } = parts;
  return {
    name: client.directory,
    obtain: async (attempt) => {
      try {
        return await obtain(parts, attempt);
      } catch (error) {
        if (!(error instanceof AcmeError)) throw error;
        return refusedBy(error);
      }
    },
    abandon: async (url) => giveUp(client, await client.readOrder(url)),
    window: (leaf) => client.renewalWindow(leaf),
  };
}

async function obtain(parts: AcmeIssuerParts, attempt: Attempt): Promise<Attempted> {
  const { client, clock, pause } = parts;
  const { key, order: begun } = await beginOrder(parts, attempt);
  let order = begun;
  const endAt = clock.now() + ATTEMPT_MS_MAX;
  for (let waits = 0; clock.now() < endAt; ) {
    const step = nextOrderStep(order, clock.now());
    switch (step.kind) {
      case "authorize": {
        const unproved = await authorize(parts, order, attempt);
        if (unproved?.asked === true) await attempt.keep(undefined);
        if (unproved !== undefined) return unproved.attempted;
        order = await client.readOrder(order.url);
        // Proved, and the CA has not put it down with the order yet.
        if (order.status !== "pending") break;
        await pause(waitMs(order, waits, clock));
        waits += 1;
        break;
      }
      case "finalize":
        order = await client.finalize(order, await parts.request(key, attempt.names));
        // Some CAs take it and put it down with the order later.
        if (order.status !== "ready") break;
        await pause(waitMs(order, waits, clock));
        waits += 1;
        order = await client.readOrder(order.url);
        break;
      case "wait":
        await pause(waitMs(order, waits, clock));
        waits += 1;
        order = await client.readOrder(order.url);
        break;
      case "download":
        return issuedOf(await client.download(order), key, attempt);
      case "drop":
        await attempt.keep(undefined);
        return failed(step.problem?.detail ?? "the order has come to nothing", true);
      default:
        return unreachable(step);
    }
  }
  return failed("the CA has not finished in time; its order is kept", false);
}

interface KeyedOrder {
  readonly key: string;
  readonly order: Order;
}

/** The order that was begun before, if the CA still knows it; else a new one. */
async function beginOrder(parts: AcmeIssuerParts, attempt: Attempt): Promise<KeyedOrder> {
  const kept = attempt.order && (await resumed(parts, attempt.order));
  if (kept !== undefined) return kept;
  const { client, profile, newKey } = parts;
  const { names, replaces } = attempt;
  const order = await client.order(names, {
    ...(profile === undefined ? {} : { profile }),
    ...(replaces === undefined ? {} : { replaces }),
  });
  const key = newKey();
  await attempt.keep({ url: order.url, key });
  await attempt.note({ kind: "ordered", message: `at ${client.directory}` });
  return { key, order };
}

async function resumed(
  { client, clock }: AcmeIssuerParts,
  { url, key }: BegunOrder,
): Promise<KeyedOrder | undefined> {
  try {
    const order = await client.readOrder(url);
    return nextOrderStep(order, clock.now()).kind === "drop" ? undefined : { key, order };
  } catch (error) {
    if (error instanceof AcmeError && isGone(error)) return undefined;
    throw error;
  }
}

/** The CA does not know the order any more, or as another account's. */
function isGone({ permanent, problem }: AcmeError): boolean {
  return permanent || problem?.status === 404 || GONE.has(problem?.type ?? "");
}

const GONE: ReadonlySet<string> = new Set([
  "urn:ietf:params:acme:error:malformed",
  "urn:ietf:params:acme:error:unauthorized",
]);

/** What came has to be what was asked for: nothing else takes the place of one that works. */
async function issuedOf(chain: string, key: string, attempt: Attempt): Promise<Attempted> {
  const fault = issuedFault(chain, key);
  if (fault === undefined) return { kind: "issued", chain, key };
  await attempt.keep(undefined);
  return failed(`the CA sent a certificate that cannot be used: ${fault}`, false);
}

function issuedFault(chain: string, key: string): string | undefined {
  try {
    const leaf = new X509Certificate(chain);
    return leaf.checkPrivateKey(createPrivateKey(key)) ? undefined : "it is of another key";
  } catch (error) {
    return (error as Error).message;
  }
}

const WAIT_MS_MAX = 10_000;

/** Not before the CA says; else soon, and later the longer it takes. */
function waitMs({ retryAt }: Order, waits: number, clock: Clock): number {
  if (retryAt !== undefined) return Math.min(Math.max(retryAt - clock.now(), 0), ATTEMPT_MS_MAX);
  return Math.min(250 * 2 ** Math.min(waits, 10), WAIT_MS_MAX);
}

function refusedBy({ message, permanent, retryAt }: AcmeError): Attempted {
  return {
    kind: "failed",
    failure: { message, permanent, ...(retryAt === undefined ? {} : { retryAt }) },
    rotate: false,
  };
}

function failed(message: string, rotate: boolean): Attempted {
  return { kind: "failed", failure: { message, permanent: false }, rotate };
}

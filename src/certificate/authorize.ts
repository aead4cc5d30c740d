import {
  type AcmeClient,
  AcmeError,
  type Authorization,
  type Challenge,
  type ChallengeAnswer,
  type Order,
} from "#acme/acme.ts";
import type { ChallengeAnswers } from "#acme/answers.ts";
import { dnsValue } from "#acme/key-authorization.ts";
import type { Clock } from "#clock.ts";
import { unreachable } from "#unreachable.ts";
import type { Attempt, Attempted } from "./issuer.ts";
import { chooseChallenge, type DnsProof } from "./order-step.ts";

/** Port: the world as the CA will see it, looked at before the CA is, which counts failures. */
export interface SelfCheck {
  /** Whether `_acme-challenge.NAME` leads to our DNS responder. */
  delegated(name: string): Promise<boolean>;
  /** What is wrong with an answer as it is seen from outside, if anything is. */
  fault(answer: ChallengeAnswer): Promise<string | undefined>;
}

/** What it takes to prove that names are ours. */
export interface ProofParts {
  readonly client: AcmeClient;
  readonly answers: ChallengeAnswers;
  readonly check: SelfCheck;
  readonly clock: Clock;
  /** Waits. @throws when the program ends */
  readonly pause: (ms: number) => Promise<void>;
}

/** What has failed, and how far it had come. */
export interface Unproved {
  readonly attempted: Attempted & { readonly kind: "failed" };
  /** The CA was asked to look: the order is lost with the challenge. Else it is as good as before. */
  readonly asked: boolean;
}

/** Names that are proved at a time. */
const AT_ONCE_MAX = 10;

/** A CA that has not looked by then will not. */
const PROOF_MS_MAX = 5 * 60_000;

const WAIT_MS_MAX = 5_000;

/** Proves what an order asks for. @returns what has failed, if something has */
export async function authorize(
  parts: ProofParts,
  order: Order,
  attempt: Attempt,
): Promise<Unproved | undefined> {
  const left = [...order.authorizations];
  let failure: Unproved | undefined;
  const prove = async (): Promise<void> => {
    for (let url = left.shift(); url !== undefined && failure === undefined; url = left.shift()) {
      const found = await proveOne(parts, url, attempt);
      // Of several, one that the CA was asked about says what becomes of the order.
      if (found?.asked === true) failure = found;
      else failure ??= found;
    }
  };
  // All of them: what still answers a challenge must not do so beside the next attempt.
  const ends = await Promise.allSettled(Array.from({ length: AT_ONCE_MAX }, prove));
  const thrown = ends.find((end) => end.status === "rejected");
  if (thrown !== undefined) throw thrown.reason;
  if (failure?.asked === true) await giveUp(parts.client, order);
  return failure;
}

/** RFC 8555 §7.5.2: what is left pending would count against us. */
export async function giveUp(client: AcmeClient, { authorizations }: Order): Promise<void> {
  for (const url of authorizations) {
    try {
      const { status } = await client.readAuthorization(url);
      if (status === "pending") await client.deactivate(url);
    } catch (error) {
      if (!(error instanceof AcmeError)) throw error;
      return; // The CA has more to do than we: they expire.
    }
  }
}

async function proveOne(
  parts: ProofParts,
  url: string,
  attempt: Attempt,
): Promise<Unproved | undefined> {
  const authorization = await parts.client.readAuthorization(url);
  const name = nameOf(authorization);
  if (authorization.status === "valid") return undefined;
  if (authorization.status !== "pending") return unproved(name, faultOf(authorization), true);
  const dns = await dnsProof(parts, authorization.identifier.value, attempt);
  const choice = chooseChallenge(authorization, attempt.rotation, dns);
  if (choice.kind === "none") return unproved(name, choice.reason, false);
  const { challenge } = choice;
  const answer = await answerOf(parts.client, authorization, challenge);
  try {
    await parts.answers.put(challenge.url, answer);
    const fault = await parts.check.fault(answer);
    // RFC 8555 §7.5.1: once the CA was told, it looks by itself.
    if (fault !== undefined && challenge.status === "pending") {
      const reason = `${challenge.type}: seen from here, ${fault}; the CA was not asked`;
      return unproved(name, reason, false);
    }
    await attempt.note({ kind: "challenge", message: `${challenge.type} for ${name}` });
    await parts.client.respond(challenge);
    return await outcome(parts, url);
  } finally {
    await parts.answers.delete(challenge.url);
  }
}

async function dnsProof(
  { check }: ProofParts,
  name: string,
  { names }: Attempt,
): Promise<DnsProof> {
  if (!(await check.delegated(name))) return "not-delegated";
  return names.includes(`*.${name}`) ? "relied-on" : "delegated";
}

async function outcome(parts: ProofParts, url: string): Promise<Unproved | undefined> {
  const { client, clock, pause } = parts;
  const endAt = clock.now() + PROOF_MS_MAX;
  for (let waits = 0; ; waits += 1) {
    const authorization = await client.readAuthorization(url);
    const { status, retryAt } = authorization;
    if (status === "valid") return undefined;
    const name = nameOf(authorization);
    if (status !== "pending") return unproved(name, faultOf(authorization), true);
    if (clock.now() >= endAt) return unproved(name, "the CA has not looked in time", true);
    // Whoever wants to be asked again much later is asked by the next attempt.
    const wanted = Math.min((retryAt ?? 0) - clock.now(), PROOF_MS_MAX);
    await pause(Math.max(wanted, Math.min(250 * 2 ** waits, WAIT_MS_MAX)));
  }
}

async function answerOf(
  client: AcmeClient,
  { identifier: { value: name } }: Authorization,
  { type, token }: Challenge,
): Promise<ChallengeAnswer> {
  const keyAuthorization = await client.keyAuthorization(token);
  switch (type) {
    case "http-01":
      return { kind: type, name, token, keyAuthorization };
    case "tls-alpn-01":
      return { kind: type, name, keyAuthorization };
    case "dns-01":
      return { kind: type, name, value: dnsValue(keyAuthorization) };
    default:
      return unreachable(type);
  }
}

function nameOf({ identifier, wildcard }: Authorization): string {
  return wildcard ? `*.${identifier.value}` : identifier.value;
}

/** The CA's words stand with the challenge that it has looked at. */
function faultOf({ status, challenges }: Authorization): string {
  const { type, error } = challenges.find((each) => each.error !== undefined) ?? {};
  return error === undefined ? `its authorization is ${status}` : `${type}: ${error.detail}`;
}

function unproved(name: string, fault: string, asked: boolean): Unproved {
  const failure = { message: `${name}: ${fault}`, permanent: false };
  return { attempted: { kind: "failed", failure, rotate: true }, asked };
}

import type { AcmeProblem, Authorization, Challenge, ChallengeType, Order } from "#acme/acme.ts";
import { unreachable } from "#unreachable.ts";

export type OrderStep =
  /** Prove what is not proved yet. */
  | { readonly kind: "authorize" }
  | { readonly kind: "finalize" }
  /** The CA is at work: look again. */
  | { readonly kind: "wait" }
  | { readonly kind: "download" }
  /** Nothing will come of it any more. */
  | { readonly kind: "drop"; readonly problem?: AcmeProblem };

/** What an order waits for (RFC 8555 §7.1.6). */
export function nextOrderStep(order: Order, now: number): OrderStep {
  switch (order.status) {
    case "pending":
      // Its authorizations end with it.
      if (order.expiresAt !== undefined && order.expiresAt <= now) return { kind: "drop" };
      return { kind: "authorize" };
    case "ready":
      return { kind: "finalize" };
    case "processing":
      return { kind: "wait" };
    case "valid":
      return { kind: "download" };
    case "invalid":
      return { kind: "drop", ...(order.error === undefined ? {} : { problem: order.error }) };
    default:
      return unreachable(order.status);
  }
}

export type ChallengeChoice =
  | { readonly kind: "challenge"; readonly challenge: Challenge }
  | { readonly kind: "none"; readonly reason: string };

/** The ones that need nothing set up come first. */
const ORDER_OF_TYPES: readonly ChallengeType[] = ["http-01", "tls-alpn-01", "dns-01"];

/** Whether `_acme-challenge.NAME` leads to our DNS responder, and the order hangs on it already. */
export type DnsProof = "not-delegated" | "delegated" | "relied-on";

/**
 * How a name is proved: each attempt that failed moves on to the next type. Beside its own wildcard a
 * name is proved by DNS as well, which has to work anyway: its address may be nobody's.
 */
export function chooseChallenge(
  { identifier, wildcard, challenges }: Authorization,
  rotation: number,
  dns: DnsProof,
): ChallengeChoice {
  const order = dns === "relied-on" ? ORDER_OF_TYPES.toReversed() : ORDER_OF_TYPES;
  const offered = order.flatMap((type) => challenges.filter((each) => each.type === type));
  // RFC 8555 §7.4.1: the CA offers for a wildcard what may prove it; only DNS can.
  const usable = offered.filter(({ type }) =>
    type === "dns-01" ? dns !== "not-delegated" : !wildcard,
  );
  const challenge = usable[rotation % usable.length];
  if (challenge !== undefined) return { kind: "challenge", challenge };
  const name = identifier.value;
  if (offered.some(({ type }) => type === "dns-01")) {
    return { kind: "none", reason: `_acme-challenge.${name} does not lead to this Atoll's DNS` };
  }
  return { kind: "none", reason: `the CA offers no challenge for ${name} that Atoll can answer` };
}

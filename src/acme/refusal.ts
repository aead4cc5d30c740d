/** What was asked when a CA refused: the same word means different things in different places. */
export type Step =
  | "directory"
  | "nonce"
  | "account"
  | "order"
  /** An order, an authorization or a challenge that is there, or is to be. */
  | "resource"
  | "finalize"
  | "download"
  | "revoke"
  | "renewal"
  /** No answer to us: the error of a challenge or of an order. */
  | "validation";

/** Whether asking the same again may help, and why that is thought. */
export interface Refusal {
  readonly permanent: boolean;
  readonly reason: string;
}

const PREFIX = "urn:ietf:params:acme:error:";

/** What only a change of what is asked, or of the settings, can help. RFC 8555 §6.7. */
const PERMANENT: Readonly<Record<string, string>> = {
  accountDoesNotExist: "the CA does not have the account",
  alreadyRevoked: "the certificate is revoked already",
  badCSR: "the CA does not take this request",
  badPublicKey: "the CA does not take this kind of key",
  badRevocationReason: "the CA does not take this reason",
  badSignatureAlgorithm: "the CA does not take this algorithm",
  externalAccountRequired: "the CA wants an account of its own to be named",
  invalidContact: "the CA does not take the contact",
  // draft-aaron-acme-profiles §6.
  invalidProfile: "the CA has no such profile",
  rejectedIdentifier: "the CA does not issue for the name",
  unsupportedContact: "the CA does not take the contact",
  unsupportedIdentifier: "the CA does not issue for such identifiers",
  userActionRequired: "the CA wants to be visited first",
};

/** What the owner of a name, the CA or a moment's wait may mend. */
const PASSING: Readonly<Record<string, string>> = {
  // RFC 9773 §7.4: the order is asked for again without `replaces`.
  alreadyReplaced: "the certificate was replaced already",
  badNonce: "the nonce was used up",
  caa: "the name's CAA records can be changed",
  connection: "the CA could not connect to the name",
  dns: "the CA's lookup failed",
  incorrectResponse: "the challenge was answered wrongly",
  orderNotReady: "the order is not ready",
  rateLimited: "the CA has had enough for a while",
  serverInternal: "the CA failed",
  tls: "the CA's handshake with the name failed",
};

/** Where these say that the account may not, and not that a challenge or a page of an order failed. */
const OF_THE_ACCOUNT = new Set<Step>(["account", "order", "finalize", "revoke"]);
/** Where what is malformed is what we made of the names and settings; elsewhere what is gone or late. */
const OF_THE_REQUEST = new Set<Step>(["account", "order"]);

export interface Refused {
  readonly type: string;
  readonly status?: number;
  readonly subproblems?: readonly Refused[];
}

/** Decides by the type first: it is the one thing that CAs agree on. */
export function decideRefusal(problem: Refused, step: Step): Refusal {
  const name = problem.type.startsWith(PREFIX) ? problem.type.slice(PREFIX.length) : "";
  if (Object.hasOwn(PERMANENT, name)) return { permanent: true, reason: PERMANENT[name] ?? "" };
  if (Object.hasOwn(PASSING, name)) return { permanent: false, reason: PASSING[name] ?? "" };
  switch (name) {
    case "compound":
      return ofSubproblems(problem.subproblems ?? [], step);
    case "malformed":
      return OF_THE_REQUEST.has(step)
        ? { permanent: true, reason: "the CA does not understand what is asked" }
        : { permanent: false, reason: "what is asked for is gone, or past that" };
    case "unauthorized":
      return OF_THE_ACCOUNT.has(step)
        ? { permanent: true, reason: "the account may not" }
        : { permanent: false, reason: "the challenge was not proven, or is another account's" };
    default:
      return { permanent: false, reason: "what it means is not known" };
  }
}

/** RFC 8555 §6.7.1: one name that will never be issued keeps the whole order from it. */
function ofSubproblems(subproblems: readonly Refused[], step: Step): Refusal {
  const refusals = subproblems.map((problem) => decideRefusal(problem, step));
  return (
    refusals.find(({ permanent }) => permanent) ??
    refusals[0] ?? { permanent: false, reason: "the CA does not say which error it was" }
  );
}

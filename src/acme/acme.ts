/**
 * RFC 8555 as Atoll sees it: what a CA says, in its own words, and what may be asked of it. Every
 * method is one step that can be taken again after a crash: what lasts is the order's URL.
 */

/** RFC 8555 §9.7.7: what a certificate is for. `*.example.net` is a name like others in an order. */
interface Identifier {
  readonly type: "dns";
  /** Lower case. */
  readonly value: string;
}

/** RFC 8555 §6.7, RFC 9457: what the CA refuses, as it says it. */
export interface AcmeProblem {
  /** `urn:ietf:params:acme:error:rateLimited`; `about:blank` where it names none. */
  readonly type: string;
  readonly detail: string;
  readonly status?: number;
  readonly identifier?: Identifier;
  readonly subproblems?: readonly AcmeProblem[];
}

/** RFC 8555 §7.1.3. */
export interface Order {
  readonly url: string;
  readonly status: "pending" | "ready" | "processing" | "valid" | "invalid";
  /** Milliseconds since the epoch, where the CA says. */
  readonly expiresAt?: number;
  readonly identifiers: readonly Identifier[];
  readonly profile?: string;
  readonly authorizations: readonly string[];
  readonly finalize: string;
  readonly certificate?: string;
  readonly error?: AcmeProblem;
  /** When to ask again at the earliest: the answer's Retry-After. Milliseconds since the epoch. */
  readonly retryAt?: number;
}

export type ChallengeType = "http-01" | "tls-alpn-01" | "dns-01";

/** RFC 8555 §8. Those of types that Atoll does not know are left out. */
export interface Challenge {
  readonly type: ChallengeType;
  readonly url: string;
  readonly token: string;
  readonly status: "pending" | "processing" | "valid" | "invalid";
  readonly error?: AcmeProblem;
}

/** RFC 8555 §7.1.4. */
export interface Authorization {
  readonly url: string;
  readonly identifier: Identifier;
  readonly wildcard: boolean;
  readonly status: "pending" | "valid" | "invalid" | "deactivated" | "expired" | "revoked";
  readonly challenges: readonly Challenge[];
  readonly retryAt?: number;
}

/** RFC 9773 §4.2; times in milliseconds since the epoch. */
export interface RenewalWindow {
  readonly startAt: number;
  readonly endAt: number;
  readonly explanationUrl?: string;
  /** Not to be asked again before. */
  readonly retryAt: number;
}

/** What is asked for with an order. */
export interface OrderWishes {
  /** Absent: the CA's own choice. */
  readonly profile?: string;
  /** RFC 9773 §5: the certificate that this one takes the place of, PEM. */
  readonly replaces?: string;
}

/**
 * Port: one account at one CA. Each method throws `AcmeError`, which says whether trying again may
 * help and from when; an abort of the signal that the client was made with ends what is under way, and
 * is thrown by its reason. Where the CA has said to come back later, it is asked nothing before.
 */
export interface AcmeClient {
  /** The directory's URL: what names the CA in rows and metrics. */
  readonly directory: string;
  order(names: readonly string[], wishes: OrderWishes): Promise<Order>;
  readOrder(url: string): Promise<Order>;
  readAuthorization(url: string): Promise<Authorization>;
  /** Gives up an authorization that is pending (§7.5.2), so that it does not count against us. */
  deactivate(authorizationUrl: string): Promise<void>;
  /** §8.1: what proves that a challenge's answer is this account's. */
  keyAuthorization(token: string): Promise<string>;
  /** §7.5.1: tells the CA that the challenge is answered. */
  respond(challenge: Challenge): Promise<void>;
  /** §7.4. @param csr DER */
  finalize(order: Order, csr: Uint8Array): Promise<Order>;
  /** §7.4.2. @returns PEM, the leaf first */
  download(order: Order): Promise<string>;
  /** §7.6. @param leaf PEM */
  revoke(leaf: string, reason: number): Promise<void>;
  /** `undefined`: the CA has no ARI, or does not know the certificate. @param leaf PEM */
  renewalWindow(leaf: string): Promise<RenewalWindow | undefined>;
}

/** What the CA, or the way to it, did not do. Its message is the CA's own words, or the cause. */
export class AcmeError extends Error {
  override readonly name = "AcmeError";
  /** Absent: it did not answer, or not with a problem document. */
  readonly problem: AcmeProblem | undefined;
  /** Asking the same again will be refused again: a name that may not be issued, a closed account. */
  readonly permanent: boolean;
  /** Not to be asked again before: Retry-After. Milliseconds since the epoch. */
  readonly retryAt: number | undefined;

  constructor(
    message: string,
    about: {
      readonly problem?: AcmeProblem;
      readonly permanent: boolean;
      readonly retryAt?: number;
      readonly cause?: unknown;
    },
  ) {
    super(message, { cause: about.cause });
    this.problem = about.problem;
    this.permanent = about.permanent;
    this.retryAt = about.retryAt;
  }
}

/** A challenge that is answered by us: until it is taken back, to whoever asks. */
export type ChallengeAnswer =
  /** §8.3: at `/.well-known/acme-challenge/TOKEN` on port 80. */
  | {
      readonly kind: "http-01";
      readonly name: string;
      readonly token: string;
      readonly keyAuthorization: string;
    }
  /** RFC 8737: by a certificate with the digest, to who asks for `acme-tls/1`. */
  | { readonly kind: "tls-alpn-01"; readonly name: string; readonly keyAuthorization: string }
  /** §8.4: a TXT value at `_acme-challenge.NAME`; several may stand there at once. */
  | { readonly kind: "dns-01"; readonly name: string; readonly value: string };

/** Who asks: what the door knows of a caller once a credential has been recognised. */
export interface Principal {
  /** Stable for the credential's life: what its rate limits are counted under. */
  readonly id: string;
  readonly accountId: number;
  /** Holds the operator's credential: the machine's owner, above every account and limit. */
  readonly operator: boolean;
  allows(scope: string): boolean;
}

/**
 * Port: recognises a bearer credential, or not. `actingFor` is an account's e-mail that only the
 * operator may name.
 * @throws Problem("not_found") when that account does not exist
 */
export type Authenticate = (
  credential: string,
  actingFor: string | undefined,
) => Principal | undefined;

/** RFC 6750 §2.1. The scheme is case-insensitive (RFC 9110 §11.1). */
export function bearerCredential(authorization: string | null): string | undefined {
  return /^bearer +([\x21-\x7e]{1,512}) *$/i.exec(authorization ?? "")?.[1];
}

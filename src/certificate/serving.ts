/** A certificate as the edges serve it, whoever has issued it; its private key is sealed. */
export interface ServingCertificate {
  readonly id: string;
  /** Of a name of the platform's own: that name, for which there is this one. */
  readonly ownName?: string;
  /** It was obtained from a CA, which renews it: the local CA lets it be. */
  readonly managed?: true;
  /** Lower case: host names and wildcards. */
  readonly names: readonly string[];
  /** PEM: the leaf, then what leads from it to its root. */
  readonly chain: string;
  /** Sealed for `keyPurpose(id)`. */
  readonly sealedKey: Uint8Array;
  /** Milliseconds since the epoch. */
  readonly notAfter: number;
}

/** What the private key of a certificate is sealed for. */
export function keyPurpose(id: string): string {
  return `certificate/${id}/key`;
}

/**
 * Port: certificates in service. A change and its feed number are one transaction; a returned
 * number has been handed to the edges.
 */
export interface ServingCertificateStore {
  /** Adds it, or puts it in the place of the one with its id. @returns the change's number */
  put(certificate: ServingCertificate): Promise<number>;
  /** The change's number, or `undefined` when there was none. */
  delete(id: string): Promise<number | undefined>;
  /** Those of the platform's own names. */
  ownNames(): readonly ServingCertificate[];
}

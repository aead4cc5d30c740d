/** What stands for us at one CA. */
export interface AccountKey {
  /** ECDSA P-256, PKCS#8, PEM. */
  readonly keyPem: string;
  /** The account's URL, its `kid`. Absent: the CA has not been asked yet, or its answer was lost. */
  readonly url?: string;
  /** Whom the CA may write to, as it was told last. */
  readonly email?: string;
}

/**
 * Port: the account keys, one for each directory, kept as secrets are. The key is saved before the
 * CA is told of it, so that a crash between the two leads to the same account (RFC 8555 §7.3.1).
 */
export interface AccountKeys {
  find(directory: string): Promise<AccountKey | undefined>;
  /** Replaces what is there. It is durable when this resolves. */
  save(directory: string, account: AccountKey): Promise<void>;
}

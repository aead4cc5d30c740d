import type { Logger } from "#log.ts";
import type { AccountKeys } from "./account-keys.ts";
import { AcmeError } from "./acme.ts";
import type { CaDirectory } from "./directory.ts";
import { isOfType, notAsExpected, notOffered } from "./failures.ts";
import {
  type ExternalAccount,
  newAccountKey,
  type SigningKey,
  signBinding,
  signingKey,
} from "./jws.ts";
import type { SignedRequests } from "./signed-requests.ts";
import { CaUrl } from "./wire.ts";

const CREATED = 201;

/** An account that the CA knows. */
export interface Account {
  readonly key: SigningKey;
  /** Its `kid`. */
  readonly url: string;
}

export interface AccountOptions {
  /** The directory's URL: there is one account for each. */
  readonly directory: string;
  readonly keys: AccountKeys;
  /** Whom the CA may write to. */
  readonly email: string | undefined;
  readonly externalAccount: ExternalAccount | undefined;
  readonly log: Logger;
}

/** RFC 8555 §7.3: the one account at a CA, found or made at its first use. */
export class Accounts {
  readonly #options: AccountOptions;
  readonly #requests: SignedRequests;
  readonly #directory: () => Promise<CaDirectory>;
  #key: Promise<SigningKey> | undefined;
  #account: Promise<Account> | undefined;
  /** What came of it. */
  #known: Account | undefined;

  constructor(
    options: AccountOptions,
    requests: SignedRequests,
    directory: () => Promise<CaDirectory>,
  ) {
    this.#options = options;
    this.#requests = requests;
    this.#directory = directory;
  }

  /** Ours before the CA is asked: it is the same for all the account's life. */
  async key(): Promise<SigningKey> {
    this.#key ??= this.#findKey();
    return this.#key.catch((error: unknown) => {
      this.#key = undefined;
      throw error;
    });
  }

  async current(): Promise<Account> {
    return this.#remember(this.#account ?? this.#find());
  }

  /** What the CA has forgotten, as one that was set up anew, is made again with the same key. */
  async replace(forgotten: Account): Promise<Account> {
    if (this.#known !== forgotten) return this.current();
    this.#known = undefined;
    return this.#remember(this.#register());
  }

  /** Whoever comes meanwhile waits for the same; a failure is the next one's to mend. */
  async #remember(account: Promise<Account>): Promise<Account> {
    this.#account = account;
    try {
      const known = await account;
      if (this.#account === account) this.#known = known;
      return known;
    } catch (error) {
      if (this.#account === account) this.#account = undefined;
      throw error;
    }
  }

  async #findKey(): Promise<SigningKey> {
    const { keys, directory } = this.#options;
    const kept = await keys.find(directory);
    if (kept !== undefined) return signingKey(kept.keyPem);
    const keyPem = newAccountKey();
    await keys.save(directory, { keyPem });
    return signingKey(keyPem);
  }

  async #find(): Promise<Account> {
    const key = await this.key();
    const kept = await this.#options.keys.find(this.#options.directory);
    if (kept?.url === undefined) return this.#register();
    try {
      return await this.#withContact({ key, url: kept.url }, kept.email);
    } catch (error) {
      if (!isOfType(error, "accountDoesNotExist")) throw error;
      return this.#register();
    }
  }

  /**
   * §7.3.2: tells whom to write to, where that is not what was told last. What the CA says to it
   * costs no certificate: it is told again at the next start.
   * @throws AcmeError accountDoesNotExist
   */
  async #withContact(account: Account, told: string | undefined): Promise<Account> {
    const { keys, directory, email, log } = this.#options;
    if (told === email) return account;
    const { key, url } = account;
    try {
      const contact = email === undefined ? [] : [`mailto:${email}`];
      await this.#requests.post(url, key, { kid: url }, { step: "account", payload: { contact } });
    } catch (error) {
      const isRefused = error instanceof AcmeError && !isOfType(error, "accountDoesNotExist");
      if (!isRefused) throw error;
      log.warn({ err: error, directory }, "the CA was not told of ATOLL_ACME_EMAIL");
      return account;
    }
    await keys.save(directory, { keyPem: key.keyPem, url, ...(email !== undefined && { email }) });
    return account;
  }

  /** §7.3: makes it, or learns its URL where the key has one already (§7.3.1). */
  async #register(): Promise<Account> {
    const { keys, directory, email, externalAccount } = this.#options;
    const key = await this.key();
    const { newAccount, meta } = await this.#directory();
    if (meta.externalAccountRequired && externalAccount === undefined) {
      throw notOffered("The CA wants an external account: its key's ID and HMAC key are not set");
    }
    const reply = await this.#requests.post(
      newAccount,
      key,
      { jwk: key.publicJwk },
      {
        step: "account",
        payload: {
          termsOfServiceAgreed: true,
          ...(email !== undefined && { contact: [`mailto:${email}`] }),
          ...(externalAccount !== undefined && {
            externalAccountBinding: await signBinding(externalAccount, newAccount, key),
          }),
        },
      },
    );
    const url = CaUrl.safeParse(reply.location);
    if (!url.success) throw notAsExpected("account", "its URL is missing");
    const account = { key, url: url.data };
    // §7.3.1: of one that was there nothing was changed.
    const isNew = reply.status === CREATED;
    const told = isNew ? email : undefined;
    await keys.save(directory, {
      keyPem: key.keyPem,
      url: url.data,
      ...(told !== undefined && { email: told }),
    });
    return this.#withContact(account, told);
  }
}

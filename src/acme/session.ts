import type { Clock } from "#clock.ts";
import { type Account, type AccountOptions, Accounts } from "./account.ts";
import { type CaDirectory, directoryReader } from "./directory.ts";
import { Exchange, type Reply } from "./exchange.ts";
import { isOfType } from "./failures.ts";
import { Nonces } from "./nonces.ts";
import { type SignedAsked, SignedRequests } from "./signed-requests.ts";

export interface SessionOptions extends AccountOptions {
  /** What the directory's own TLS is verified by, in place of the known roots. PEM */
  readonly caPem: string | undefined;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** What every step at a CA is made of: its directory, and requests that are signed and not. */
export interface Session {
  readonly directory: () => Promise<CaDirectory>;
  readonly accounts: Accounts;
  readonly exchange: Exchange;
  /** By the account, which is made where there is none. */
  post(url: string, asked: SignedAsked): Promise<Reply>;
}

/** Asks nothing yet: directory, account and nonces come with the first step that needs them. */
export function openSession(options: SessionOptions): Session {
  const nonces = new Nonces();
  const exchange = new Exchange({ ...options, nonces });
  const directory = directoryReader(options.directory, exchange, options.clock);
  const requests = new SignedRequests(exchange, nonces, directory);
  const accounts = new Accounts(options, requests, directory);
  return {
    directory,
    accounts,
    exchange,
    post: async (url, asked) => {
      const send = ({ key, url: kid }: Account) => requests.post(url, key, { kid }, asked);
      const account = await accounts.current();
      try {
        return await send(account);
      } catch (error) {
        if (!isOfType(error, "accountDoesNotExist")) throw error;
        return send(await accounts.replace(account));
      }
    },
  };
}

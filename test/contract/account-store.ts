import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { describe, test } from "node:test";
import type { Account, AccountStore, NewToken } from "#account/account.ts";
import { EXPIRED_TOKEN_KEPT_MS } from "#account/limits.ts";
import { systemClock } from "#clock.ts";

export interface AccountWorld extends AsyncDisposable {
  readonly accounts: AccountStore;
}

/** What every `AccountStore` keeps, whatever it is made of. */
export function accountStoreContract(name: string, open: () => Promise<AccountWorld>): void {
  const account = async (world: AccountWorld, email: string): Promise<Account> => {
    const made = await world.accounts.createAccount({
      uuid: randomUUID(),
      email,
      name: email,
      createdAt: 1,
    });
    assert(made !== "email-taken");
    return made;
  };
  const token = (accountId: number, text: string, more: Partial<NewToken> = {}): NewToken => ({
    id: randomUUID(),
    accountId,
    name: text,
    scopes: ["cdn:read"],
    createdAt: 5,
    hash: Buffer.from(text),
    ...more,
  });

  describe(`${name} as an AccountStore`, () => {
    test("has one account for an e-mail address", async () => {
      await using world = await open();
      await account(world, "a@example.net");
      const again = { uuid: randomUUID(), email: "a@example.net", name: "again", createdAt: 2 };
      assert.equal(await world.accounts.createAccount(again), "email-taken");
      assert.equal(world.accounts.pageOfAccounts(0, 20).total, 1);
    });

    test("makes an account together with its first token", async () => {
      await using world = await open();
      const { accountId: _, ...first } = token(0, "first secret");
      const wanted = { uuid: randomUUID(), email: "a@example.net", name: "a", createdAt: 1 };
      const made = await world.accounts.createAccount(wanted, first);
      assert(made !== "email-taken");
      assert.equal(world.accounts.findTokenByHash(first.hash)?.accountId, made.id);
    });

    test("knows which account came first", async () => {
      await using world = await open();
      assert.equal(world.accounts.firstAccount(), undefined);
      const first = await account(world, "z@example.net");
      await account(world, "a@example.net");
      assert.deepEqual(world.accounts.firstAccount(), first);
      assert.deepEqual(world.accounts.findAccountByEmail("z@example.net"), first);
    });

    test("finds a token by its hash until it is deleted", async () => {
      await using world = await open();
      const { id: accountId } = await account(world, "a@example.net");
      const { hash, ...made } = token(accountId, "secret", { expiresAt: 9 });
      await world.accounts.createToken({ hash, ...made });
      assert.deepEqual(world.accounts.findTokenByHash(hash), made);
      assert.equal(await world.accounts.deleteToken(accountId, made.id), true);
      assert.equal(world.accounts.findTokenByHash(hash), undefined);
      assert.equal(await world.accounts.deleteToken(accountId, made.id), false);
    });

    test("forgets tokens a month after they have expired", async () => {
      await using world = await open();
      const { id: accountId } = await account(world, "a@example.net");
      const now = systemClock.now();
      const long = token(accountId, "long ago", { expiresAt: now - EXPIRED_TOKEN_KEPT_MS - 1 });
      const lately = token(accountId, "lately", { expiresAt: now - 1 });
      for (const made of [long, lately]) await world.accounts.createToken(made);
      const names = () => world.accounts.pageOfTokens(accountId, 0, 20).rows.map((row) => row.name);
      assert.deepEqual(names(), ["lately"]);
      await world.accounts.createToken(token(accountId, "now"));
      assert.deepEqual(names(), ["lately", "now"]);
    });

    test("deletes a token with those that are bound to it, and with those bound to them", async () => {
      await using world = await open();
      const { id: accountId } = await account(world, "a@example.net");
      const first = token(accountId, "first");
      const second = token(accountId, "second", { boundTo: first.id });
      const third = token(accountId, "third", { boundTo: second.id });
      const free = token(accountId, "free");
      for (const made of [first, second, third, free]) await world.accounts.createToken(made);
      assert.equal(await world.accounts.deleteToken(accountId, first.id), true);
      const left = world.accounts.pageOfTokens(accountId, 0, 20).rows.map((row) => row.name);
      assert.deepEqual(left, ["free"]);
    });

    test("binds a token to none that is gone, or another account's", async () => {
      await using world = await open();
      const own = await account(world, "a@example.net");
      const other = await account(world, "b@example.net");
      const made = token(other.id, "other's");
      await world.accounts.createToken(made);
      for (const boundTo of [randomUUID(), made.id]) {
        const bound = token(own.id, "bound", { boundTo });
        assert.equal(await world.accounts.createToken(bound), "bound-to-none");
      }
    });

    test("refuses a second token of the same text", async () => {
      await using world = await open();
      const { id: accountId } = await account(world, "a@example.net");
      await world.accounts.createToken(token(accountId, "secret"));
      assert.equal(await world.accounts.createToken(token(accountId, "secret")), "hash-taken");
    });

    test("shows and deletes tokens for their own account only", async () => {
      await using world = await open();
      const own = await account(world, "a@example.net");
      const other = await account(world, "b@example.net");
      const made = token(own.id, "secret");
      await world.accounts.createToken(made);
      assert.equal(world.accounts.findToken(other.id, made.id), undefined);
      assert.equal(world.accounts.pageOfTokens(other.id, 0, 20).total, 0);
      assert.equal(await world.accounts.deleteToken(other.id, made.id), false);
    });

    test("notes when tokens were last used", async () => {
      await using world = await open();
      const { id: accountId } = await account(world, "a@example.net");
      const made = token(accountId, "secret");
      await world.accounts.createToken(made);
      await world.accounts.noteUses(new Map([[made.id, 77]]));
      assert.equal(world.accounts.findToken(accountId, made.id)?.lastUsedAt, 77);
    });
  });
}

import { fail } from "node:assert/strict";
import { after } from "node:test";
import type { AccountKey } from "#acme/account-keys.ts";
import { type AcmeClientOptions, acmeClient } from "#acme/client.ts";
import { manualClock } from "#clock.ts";
import { type Answer, type StrictCa, startStrictCa } from "./strict-ca.ts";

export const NOW = Date.UTC(2026, 10, 23);

/** A CA, a client of it and what the client keeps. */
export async function openClient(options: Partial<AcmeClientOptions> = {}) {
  const ca = await startStrictCa();
  after(() => ca[Symbol.asyncDispose]());
  const clock = manualClock(NOW);
  const kept = new Map<string, AccountKey>();
  const saved: AccountKey[] = [];
  const warned: string[] = [];
  const stop = new AbortController();
  after(() => stop.abort());
  const open = (more: Partial<AcmeClientOptions> = {}) =>
    acmeClient({
      directory: ca.directory,
      keys: {
        find: async (directory) => kept.get(directory),
        save: async (directory, account) => {
          kept.set(directory, account);
          saved.push(account);
        },
      },
      email: undefined,
      externalAccount: undefined,
      caPem: undefined,
      clock,
      signal: stop.signal,
      log: {
        info: () => undefined,
        warn: (_, message) => warned.push(message),
        error: () => fail(),
      },
      certificateId: (leaf) => `id-of.${leaf}`,
      ...options,
      ...more,
    });
  return { ca, clock, kept, saved, warned, stop, open, client: open() };
}

/** An order as the CA writes it, with what a test says of it. */
export function orderOf(ca: StrictCa, more: object = {}): Record<string, unknown> {
  return {
    status: "pending",
    identifiers: [{ type: "dns", value: "shop.example.net" }],
    authorizations: [ca.url("/authorization/1")],
    finalize: ca.url("/finalize/1"),
    ...more,
  };
}

/** What a new order is answered with. */
export function made(ca: StrictCa, more: object = {}): Answer {
  return { status: 201, fields: { location: ca.url("/order/1") }, body: orderOf(ca, more) };
}

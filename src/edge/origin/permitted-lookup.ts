import { type LookupAddress, lookup } from "node:dns";
import type { LookupFunction } from "node:net";
import { isForbiddenAddress } from "./forbidden-address.ts";

/**
 * Looks names up as Node does, and leaves out what is forbidden. The address that was judged is the
 * one that is used: a second look could find another (DNS rebinding).
 * @param refusal the error for a name that leads nowhere else
 */
export function permittedLookup(
  refusal: (host: string) => Error,
  resolve: typeof lookup = lookup,
): LookupFunction {
  return (hostname, options, callback) => {
    const found = (error: NodeJS.ErrnoException | null, addresses: LookupAddress[] = []): void => {
      if (error !== null) return callback(error, []);
      const permitted = addresses.filter(({ address }) => !isForbiddenAddress(address));
      const [first] = permitted;
      if (first === undefined) return callback(refusal(hostname), []);
      if (options.all === true) callback(null, permitted);
      else callback(null, first.address, first.family);
    };
    resolve(hostname, { ...options, all: true }, found);
  };
}

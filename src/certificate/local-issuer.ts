import type { Issuer } from "./issuer.ts";
import type { LocalCa } from "./local-ca.ts";
import { LOCAL } from "./renewal.ts";

/** The local CA asks for no proof: who may use this Atoll is all that it could ask. */
export function localIssuer(ca: LocalCa): Issuer {
  return {
    name: LOCAL,
    obtain: async ({ names }) => {
      const leaf = await ca.newLeaf(names, undefined);
      if (leaf === undefined) throw new Error("A CA kept a leaf that it was not given");
      return { kind: "issued", chain: leaf.cert, key: leaf.key };
    },
    abandon: async () => undefined,
    window: async () => undefined,
  };
}

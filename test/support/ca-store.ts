import type { CaPair, CaStore } from "#certificate/local-ca.ts";

/** Keeps a CA for as long as a test has it. */
export function memoryCaStore(kept?: CaPair): CaStore {
  let pair = kept;
  return {
    find: async () => pair,
    put: async (next) => {
      pair = next;
    },
  };
}

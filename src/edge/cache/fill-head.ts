import type { Outcome } from "../cache-status.ts";
import type { OriginFailure, OriginResponse } from "../origin/origin.ts";
import type { Body } from "./body.ts";
import type { Storage } from "./storage-decision.ts";
import type { StoredResponse } from "./stored-response.ts";

/** What a fill has come to once the origin's head is there. */
export type FillHead =
  /** Storable: any number of readers may follow the body as it grows. */
  | {
      readonly kind: "storing";
      readonly response: StoredResponse;
      /** Fields for the request that began the fill, and for no other. */
      readonly withheld: readonly string[];
      /** How the worker came by it that was asked for it; undefined: that was none. */
      readonly told: Outcome | undefined;
    }
  /** The origin confirmed what was stored, and it may be kept. */
  | {
      readonly kind: "freshened";
      readonly response: StoredResponse;
      readonly withheld: readonly string[];
      readonly told: Outcome | undefined;
    }
  /** The origin confirmed what was stored, in words that are for one waiter only. */
  | {
      readonly kind: "confirming";
      readonly response: StoredResponse;
      readonly storage: Storage;
      readonly claim: Claim;
    }
  /** For one waiter only, whoever comes first; or, if it is shared, for all who have waited for it. */
  | {
      readonly kind: "passing";
      readonly response: OriginResponse;
      /** The window of it that is in memory. */
      readonly body: Body;
      readonly storage: Storage;
      readonly isShared: boolean;
      readonly claim: Claim;
    }
  /** A part of what cannot be kept in parts: everybody asks for what they want. */
  | { readonly kind: "leaving"; readonly storage: Storage }
  | OriginFailure;

/** The right to answer with what cannot be shared: to be taken once. */
interface Claim {
  taken: boolean;
}

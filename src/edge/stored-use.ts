import { unreachable } from "#unreachable.ts";
import { survivesPurges } from "./cache/purges.ts";
import { decideReuse } from "./cache/reuse-decision.ts";
import { hasValidator, type StoredResponse } from "./cache/stored-response.ts";
import { selects } from "./cache/vary.ts";
import type { Outcome } from "./cache-status.ts";
import { type Miss, OTHER_VARIANT } from "./miss.ts";
import type { Visit } from "./visit.ts";

/** What a request makes of what is stored for it. */
export type StoredUse =
  /** It is answered with that; `refresh` asks for a fetch of which nobody waits for the end. */
  | { readonly kind: "reply"; readonly outcome: Outcome; readonly refresh: boolean }
  | { readonly kind: "forward"; readonly miss: Miss }
  /** It was purged: to be dropped, and as if it had not been there. */
  | { readonly kind: "gone" };

const GONE: StoredUse = { kind: "gone" };
const NOT_SELECTED: StoredUse = { kind: "forward", miss: OTHER_VARIANT };

/** RFC 9111 §4, in its order: purged, selected by this request, fresh. */
export function decideStoredUse(
  { live, target, wanted }: Visit,
  stored: StoredResponse,
  now: number,
): StoredUse {
  if (survivesPurges(live.purges, target, stored) === "gone") return GONE;
  if (!selects(stored.selecting, wanted.fields)) return NOT_SELECTED;
  const { freshness, softPurged, failedAt } = stored;
  const { endpoint } = live;
  const reuse = decideReuse(
    { freshness, hasValidator: hasValidator(stored), endpoint, softPurged, failedAt },
    now,
  );
  const { ttlSeconds } = reuse;
  switch (reuse.kind) {
    case "fresh":
      return { kind: "reply", outcome: { kind: "hit", ttlSeconds }, refresh: false };
    case "stale-while-revalidate": {
      const outcome: Outcome = { kind: "stale", reason: "while-revalidate", ttlSeconds };
      return { kind: "reply", outcome, refresh: reuse.refresh };
    }
    case "stale-if-error": {
      const outcome: Outcome = { kind: "stale", reason: "if-error", ttlSeconds };
      return { kind: "reply", outcome, refresh: false };
    }
    case "revalidate":
    case "refetch": {
      const { ifError } = reuse;
      return { kind: "forward", miss: { stale: stored, forward: "stale", ifError, ttlSeconds } };
    }
    default:
      return unreachable(reuse);
  }
}

import type { RetentionRule } from "./settings.ts";
import { matchesTag, type TagPattern } from "./tag-pattern.ts";

const DAY_MS = 86_400_000;

/** A tag, as far as rules look at it. */
export interface AgedTag {
  readonly name: string;
  readonly digest: string;
  /** When it was pushed last. */
  readonly updatedAt: number;
}

/** Why a tag stays or goes; no rule is about it: it stays. */
export type RetentionReason = "no-rule" | "immutable" | "among-the-last" | "recent" | "expired";

export interface RetentionRules {
  readonly retention: readonly RetentionRule[];
  readonly immutableTags: readonly TagPattern[];
}

/**
 * Which tags of a repository stay, and why. A tag goes when a rule is about it and none that is
 * would keep it: rules can only save what others would take.
 */
export function decideRetention(
  repository: string,
  tags: readonly AgedTag[],
  { retention, immutableTags }: RetentionRules,
  now: number,
): ReadonlyMap<string, RetentionReason> {
  const reasons = new Map<string, RetentionReason>(tags.map(({ name }) => [name, "no-rule"]));
  const latestFirst = tags.toSorted(
    (one, other) => other.updatedAt - one.updatedAt || (one.name < other.name ? 1 : -1),
  );
  for (const rule of retention) {
    if (!matchesTag(rule.repositories, repository)) continue;
    const about = latestFirst.filter(({ name }) => matchesTag(rule.tags, name));
    for (const [place, tag] of about.entries()) {
      const reason = judge(rule, tag, place, now);
      const before = reasons.get(tag.name);
      if (before === "no-rule" || before === "expired") reasons.set(tag.name, reason);
    }
  }
  for (const [name, reason] of reasons) {
    if (reason === "expired" && matchesTag(immutableTags, name)) reasons.set(name, "immutable");
  }
  return reasons;
}

function judge(rule: RetentionRule, tag: AgedTag, place: number, now: number): RetentionReason {
  if (rule.keepLast !== undefined && place < rule.keepLast) return "among-the-last";
  const isRecent = rule.keepDays !== undefined && now - tag.updatedAt < rule.keepDays * DAY_MS;
  return isRecent ? "recent" : "expired";
}

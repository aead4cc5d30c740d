import type { Admission, AdmissionFacts } from "#oci/admission.ts";
import {
  MANIFESTS_PER_REPOSITORY_MAX,
  REPOSITORIES_PER_REGISTRY_MAX,
  TAGS_PER_REPOSITORY_MAX,
} from "./limits.ts";
import { parseSettings } from "./settings.ts";
import { matchesTag } from "./tag-pattern.ts";
import { DEFAULT_TIER, TIERS, type Tier, type TierSlug } from "./tier.ts";

/** Whether a write into a registry may be: its tier's limits (CONTRACT §4.2), its immutable tags. */
export function admit(facts: AdmissionFacts): Admission {
  const tier = TIERS[(facts.tier ?? DEFAULT_TIER) as TierSlug];
  return (
    overRepositories(tier, facts) ??
    overStorage(tier, facts) ??
    overContent(facts) ??
    immutable(facts) ?? { kind: "admitted" }
  );
}

type Refused = Admission & { readonly kind: "refused" };

function overRepositories(
  tier: Tier,
  { repositories, isNewRepository }: AdmissionFacts,
): Refused | undefined {
  const limit = tier.repositories === 0 ? REPOSITORIES_PER_REGISTRY_MAX : tier.repositories;
  if (!isNewRepository || repositories < limit) return undefined;
  const remedy =
    tier.repositories === 0
      ? "push into one that is there, or delete one"
      : `push into one that is there, delete one, or change to a tier above ${tier.slug}`;
  return {
    kind: "refused",
    reason: "repository-limit",
    message:
      // To the letter what DigitalOcean's says first: it is what people search for.
      `registry contains ${repositories} repositories, limit is ${limit}; ${remedy}`,
  };
}

/** The same on every tier: what adds nothing passes, a tag that moves, say. */
function overContent(facts: AdmissionFacts): Refused | undefined {
  const { tags, addedTags, manifests, addedManifests } = facts;
  if (addedTags > 0 && tags + addedTags > TAGS_PER_REPOSITORY_MAX) {
    return {
      kind: "refused",
      reason: "tag-limit",
      message:
        `repository contains ${tags} tags, limit is ${TAGS_PER_REPOSITORY_MAX}` +
        `, and this push adds ${addedTags}; delete some, or have a retention rule do it`,
    };
  }
  if (addedManifests > 0 && manifests + addedManifests > MANIFESTS_PER_REPOSITORY_MAX) {
    return {
      kind: "refused",
      reason: "manifest-limit",
      message:
        `repository contains ${manifests} manifests, limit is ${MANIFESTS_PER_REPOSITORY_MAX}` +
        `; delete some, or start a garbage collection of untagged manifests`,
    };
  }
  return undefined;
}

function overStorage(tier: Tier, facts: AdmissionFacts): Refused | undefined {
  const { storageBytes, addedBytes } = facts;
  // What adds nothing passes: an image whose layers are all there, say.
  const grows = addedBytes > 0 && storageBytes + addedBytes > tier.storageBytes;
  if (tier.allowsOverage || !grows) return undefined;
  return {
    kind: "refused",
    reason: "storage-limit",
    message:
      `registry contains ${storageBytes} bytes, limit is ${tier.storageBytes}` +
      `, and this push adds ${addedBytes}` +
      `; delete images and start a garbage collection, or change to a tier above ${tier.slug}`,
  };
}

function immutable({ settings, changedTags }: AdmissionFacts): Refused | undefined {
  const { immutableTags = [] } = parseSettings(settings);
  const tag = changedTags.find((name) => matchesTag(immutableTags, name));
  if (tag === undefined) return undefined;
  return {
    kind: "refused",
    reason: "immutable-tag",
    message: `tag ${tag} is immutable; push another tag, or change the registry's settings`,
  };
}

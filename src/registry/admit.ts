import type { Admission, AdmissionFacts } from "#oci/admission.ts";
import { parseSettings } from "./settings.ts";
import { matchesTag } from "./tag-pattern.ts";
import { DEFAULT_TIER, TIERS, type Tier, type TierSlug } from "./tier.ts";

/** Whether a write into a registry may be: its tier's limits (CONTRACT §4.2), its immutable tags. */
export function admit(facts: AdmissionFacts): Admission {
  const tier = TIERS[(facts.tier ?? DEFAULT_TIER) as TierSlug];
  return (
    overRepositories(tier, facts) ??
    overStorage(tier, facts) ??
    immutable(facts) ?? { kind: "admitted" }
  );
}

type Refused = Admission & { readonly kind: "refused" };

function overRepositories(tier: Tier, facts: AdmissionFacts): Refused | undefined {
  const { repositories, isNewRepository } = facts;
  if (tier.repositories === 0 || !isNewRepository || repositories < tier.repositories) {
    return undefined;
  }
  return {
    kind: "refused",
    reason: "repository-limit",
    message:
      // To the letter what DigitalOcean's says first: it is what people search for.
      `registry contains ${repositories} repositories, limit is ${tier.repositories}` +
      `; push into one that is there, delete one, or change to a tier above ${tier.slug}`,
  };
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

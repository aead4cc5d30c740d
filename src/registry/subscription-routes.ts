import { z } from "zod";
import { type AnyRoute, route } from "#api/route.ts";
import { FAMILIES, type Family } from "./family.ts";
import { REGIONS } from "./name.ts";
import type { RegistryService } from "./registry-service.ts";
import { TIER_SLUGS, TIERS } from "./tier.ts";
import { EligibleTierView, eligibleTierView, SubscriptionView, subscriptionView } from "./views.ts";

const SubscriptionReply = z.object({ subscription: SubscriptionView });

const EXPECTED_TIER = `expected one of ${TIER_SLUGS.join(", ")}`;

const OptionsReply = z.object({
  options: z.object({
    available_regions: z.array(z.string()),
    subscription_tiers: z.array(EligibleTierView),
  }),
});

/** Tiers and what an account is on, the same in both families. */
export function subscriptionRoutes(service: RegistryService): readonly AnyRoute[] {
  return FAMILIES.flatMap((family) => [
    options(service, family),
    getSubscription(service, family),
    updateSubscription(service, family),
  ]);
}

function options(service: RegistryService, { base, prefix, tag }: Family) {
  return route({
    operationId: `${prefix}_get_options`,
    method: "GET",
    path: `${base}/options`,
    summary: "List regions and tiers, and which of them the account could change to",
    tag,
    access: { scope: "registry:read" },
    status: 200,
    reply: OptionsReply,
    handle: ({ caller }) => {
      const usage = service.usage(caller.accountId);
      return {
        options: {
          available_regions: [...REGIONS],
          subscription_tiers: TIER_SLUGS.map((slug) => eligibleTierView(TIERS[slug], usage)),
        },
      };
    },
  });
}

function getSubscription(service: RegistryService, { base, prefix, tag }: Family) {
  return route({
    operationId: `${prefix}_get_subscription`,
    method: "GET",
    path: `${base}/subscription`,
    summary: "Show the tier that the account is on",
    tag,
    access: { scope: "registry:read" },
    status: 200,
    reply: SubscriptionReply,
    handle: ({ caller }) => ({
      subscription: subscriptionView(service.subscription(caller.accountId)),
    }),
  });
}

function updateSubscription(service: RegistryService, { base, prefix, tag }: Family) {
  return route({
    operationId: `${prefix}_update_subscription`,
    method: "POST",
    path: `${base}/subscription`,
    summary: "Change to another tier",
    tag,
    access: { scope: "registry:update" },
    status: 200,
    body: z.object({ tier_slug: z.enum(TIER_SLUGS, { error: EXPECTED_TIER }) }),
    reply: SubscriptionReply,
    handle: async ({ caller, body }) => ({
      subscription: subscriptionView(await service.changeTier(caller.accountId, body.tier_slug)),
    }),
  });
}

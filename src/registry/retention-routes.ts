import { z } from "zod";
import { type AnyRoute, route } from "#api/route.ts";
import { strictMembers } from "#api/strict-members.ts";
import { findRegistry, RegistryParams, SEVERAL } from "./family.ts";
import { PREVIEW_TAGS_MAX } from "./limits.ts";
import type { RegistryService } from "./registry-service.ts";
import type { Retainer } from "./retainer.ts";
import { RulesBody, ruleOf } from "./settings-body.ts";
import { timeView } from "./views.ts";

interface RetentionParts {
  readonly registries: RegistryService;
  readonly retainer: Retainer;
}

/** Retention rules tried, and applied: ours. */
export function retentionRoutes(parts: RetentionParts): readonly AnyRoute[] {
  return [previewRoute(parts), applyRoute(parts)];
}

function previewRoute({ registries, retainer }: RetentionParts) {
  return route({
    operationId: "atoll_registry_retention_preview",
    method: "POST",
    path: `${SEVERAL.base}/:registry_name/retention/preview`,
    summary: "List the tags that retention rules would delete: the settled ones, or those given",
    tag: SEVERAL.tag,
    access: { scope: "registry:read" },
    status: 200,
    params: RegistryParams,
    body: strictMembers({ retention: RulesBody.optional() }),
    reply: z.object({
      tags: z.array(
        z.object({
          repository: z.string(),
          tag: z.string(),
          manifest_digest: z.string(),
          updated_at: z.iso.datetime(),
        }),
      ),
      total: z.int(),
      truncated: z.boolean(),
    }),
    find: findRegistry(registries),
    handle: async ({ found, body }) => {
      const rules = body.retention?.map(ruleOf);
      const tags = [];
      let total = 0;
      for await (const tag of retainer.expired(found.id, rules)) {
        total += 1;
        if (total > PREVIEW_TAGS_MAX) continue;
        tags.push({
          repository: tag.repository,
          tag: tag.name,
          manifest_digest: tag.digest,
          updated_at: timeView(tag.updatedAt),
        });
      }
      return { tags, total, truncated: total > tags.length };
    },
  });
}

function applyRoute({ registries, retainer }: RetentionParts) {
  return route({
    operationId: "atoll_registry_retention_apply",
    method: "POST",
    path: `${SEVERAL.base}/:registry_name/retention`,
    summary: "Delete the tags that the settled retention rules take, now",
    tag: SEVERAL.tag,
    access: { scope: "registry:delete" },
    status: 200,
    params: RegistryParams,
    reply: z.object({ deleted: z.int() }),
    find: findRegistry(registries),
    handle: async ({ found }) => ({ deleted: await retainer.apply(found.id) }),
  });
}

import { z } from "zod";
import { type AnyRoute, route } from "#api/route.ts";
import { notFound } from "#problem.ts";
import type { Seal } from "#seal.ts";
import { findRegistry, RegistryParams, SEVERAL } from "./family.ts";
import type { RegistryService } from "./registry-service.ts";
import { changesOf, SettingsBody, SettingsView, settingsView } from "./settings-body.ts";
import type { SettingsStore } from "./settings-store.ts";

export interface SettingsParts {
  readonly registries: RegistryService;
  readonly settings: SettingsStore;
  readonly seal: Seal;
}

/** What is settled for a registry beside CONTRACT §4: ours. */
export function registrySettingsRoutes(parts: SettingsParts): readonly AnyRoute[] {
  const { registries, settings, seal } = parts;
  const common = {
    tag: SEVERAL.tag,
    path: `${SEVERAL.base}/:registry_name/settings`,
    params: RegistryParams,
    status: 200,
    reply: z.object({ settings: SettingsView }),
    find: findRegistry(registries),
  } as const;
  return [
    route({
      ...common,
      operationId: "atoll_registry_settings_get",
      method: "GET",
      summary: "Show a registry's immutable tags, retention rules, schedule and webhooks",
      access: { scope: "registry:read" },
      handle: ({ found }) => ({ settings: settingsView(settings.settings(found.id)) }),
    }),
    route({
      ...common,
      operationId: "atoll_registry_settings_update",
      method: "PATCH",
      summary: "Change what is settled for a registry: what is absent stays, null turns it off",
      access: { scope: "registry:update" },
      body: SettingsBody,
      handle: async ({ found, body }) => {
        const changed = await settings.change(found.id, changesOf(body, seal));
        if (changed === undefined) throw notFound("registry does not exist");
        return { settings: settingsView(changed) };
      },
    }),
  ];
}

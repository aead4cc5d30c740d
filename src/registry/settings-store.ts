import type { AgedTag } from "./retention.ts";
import type { RegistrySettings, RegistrySettingsChanges } from "./settings.ts";

/** A registry that is collected on a schedule. */
interface ScheduledRegistry {
  readonly registryId: number;
  readonly settings: RegistrySettings;
  /** When its latest collection was asked for. */
  readonly collectedAt: number | undefined;
}

/** Port: what is settled for registries, and the tags that rules are about. */
export interface SettingsStore {
  settings(registryId: number): RegistrySettings;
  /** Undefined: the registry is gone. */
  change(
    registryId: number,
    changes: RegistrySettingsChanges,
  ): Promise<RegistrySettings | undefined>;
  scheduled(): readonly ScheduledRegistry[];
  /** Names in order, those after one. */
  repositoriesAfter(
    registryId: number,
    after: string,
    limit: number,
  ): readonly { readonly id: number; readonly name: string }[];
  tagsAfter(repositoryId: number, after: string, limit: number): readonly AgedTag[];
  /** Those that are still as they were when it was decided. @returns how many */
  deleteTags(repositoryId: number, tags: readonly AgedTag[]): Promise<number>;
}

import { setImmediate } from "node:timers/promises";
import type { Clock } from "#clock.ts";
import { RETENTION_BATCH } from "./limits.ts";
import { type AgedTag, decideRetention, type RetentionRules } from "./retention.ts";
import type { RegistrySettings, RetentionRule } from "./settings.ts";
import type { SettingsStore } from "./settings-store.ts";

/** A tag that the rules would take. */
export interface ExpiredTag extends AgedTag {
  readonly repository: string;
  readonly repositoryId: number;
}

/** Carries retention rules out, or says what they would do. Other requests go on in between. */
export class Retainer {
  readonly #store: SettingsStore;
  readonly #clock: Clock;

  constructor(store: SettingsStore, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /** What the settled rules would take, or those that are given. Nothing is changed. */
  async *expired(
    registryId: number,
    retention?: readonly RetentionRule[],
  ): AsyncIterable<ExpiredTag> {
    const rules = rulesOf(this.#store.settings(registryId), retention);
    if (rules.retention.length === 0) return;
    for await (const repository of this.#repositories(registryId)) {
      const tags = await this.#tags(repository.id);
      const reasons = decideRetention(repository.name, tags, rules, this.#clock.now());
      for (const tag of tags) {
        if (reasons.get(tag.name) !== "expired") continue;
        yield { ...tag, repository: repository.name, repositoryId: repository.id };
      }
    }
  }

  /** Deletes the tags that the settled rules take. @returns how many */
  async apply(registryId: number): Promise<number> {
    let deleted = 0;
    let batch: ExpiredTag[] = [];
    const flush = async (): Promise<void> => {
      const [first] = batch;
      if (first !== undefined) deleted += await this.#store.deleteTags(first.repositoryId, batch);
      batch = [];
    };
    for await (const tag of this.expired(registryId)) {
      const isFull = batch.length >= RETENTION_BATCH;
      if (isFull || batch[0]?.repositoryId !== tag.repositoryId) await flush();
      batch.push(tag);
    }
    await flush();
    return deleted;
  }

  async *#repositories(registryId: number) {
    let after = "";
    for (;;) {
      const found = this.#store.repositoriesAfter(registryId, after, RETENTION_BATCH);
      yield* found;
      const last = found.at(-1);
      if (last === undefined || found.length < RETENTION_BATCH) return;
      after = last.name;
      await setImmediate();
    }
  }

  async #tags(repositoryId: number): Promise<readonly AgedTag[]> {
    const tags: AgedTag[] = [];
    for (;;) {
      const after = tags.at(-1)?.name ?? "";
      const found = this.#store.tagsAfter(repositoryId, after, RETENTION_BATCH);
      tags.push(...found);
      if (found.length < RETENTION_BATCH) return tags;
      await setImmediate();
    }
  }
}

function rulesOf(
  settings: RegistrySettings,
  retention: readonly RetentionRule[] = settings.retention ?? [],
): RetentionRules {
  return { retention, immutableTags: settings.immutableTags ?? [] };
}

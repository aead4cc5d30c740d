import { parseDigest } from "#oci/digest.ts";
import { CollectionService } from "#registry/collection-service.ts";
import { Collector } from "#registry/collector.ts";
import { RegistryService } from "#registry/registry-service.ts";
import { RepositoryService } from "#registry/repository-service.ts";
import { Retainer } from "#registry/retainer.ts";
import type { RegistryRouteParts } from "#registry/routes.ts";
import { startScheduler } from "#registry/scheduler.ts";
import { startWebhookSender } from "#registry/webhook-sender.ts";
import { systemClock } from "./clock.ts";
import type { Config } from "./config.ts";
import type { Logger } from "./log.ts";
import type { Seal } from "./seal.ts";
import type { Storage } from "./storage.ts";
import { WebhookPost } from "./webhook-post.ts";

export interface RegistryApiParts {
  readonly config: Config;
  readonly storage: Storage;
  readonly seal: Seal;
  readonly log: Logger;
  /** Where clients reach the registry, as docker writes it. Asked each time. */
  readonly hosts: () => readonly string[];
}

/** Puts DigitalOcean's management of registries together, and starts what works in the background. */
export function startRegistryApi(
  { config, storage, seal, log, hosts }: RegistryApiParts,
  stack: AsyncDisposableStack,
): RegistryRouteParts {
  const { accounts, registries, repositories, collections, content, blobs } = storage;
  const { registrySettings: settings, deliveries } = storage;
  const collector = stack.use(
    new Collector({
      store: collections,
      removeFile: async (text) => {
        const digest = parseDigest(text);
        if (digest === undefined) return;
        await blobs.remove(digest, () => content.hasBlobRow(digest));
      },
      clock: systemClock,
      log,
    }),
  );
  const wake = (): void => collector.wake();
  const retainer = new Retainer(settings, systemClock);
  // At once, too: it wakes the collector for what the last life has left undone.
  stack.use(startScheduler({ settings, collections, retainer, wake, clock: systemClock, log }));
  // A platform with a domain serves strangers, whose webhooks must not reach what only it can.
  const post = stack.use(new WebhookPost({ anyAddress: config.domain === undefined }));
  stack.use(
    startWebhookSender({
      deliveries,
      settings,
      seal,
      post: (message, signal) => post.send(message, signal),
      clock: systemClock,
      log,
    }),
  );
  return {
    registries: new RegistryService({ store: registries, clock: systemClock, wake }),
    repositories: new RepositoryService({ store: repositories, wake }),
    collections: new CollectionService({ store: collections, wake }),
    settings: { settings, seal },
    retainer,
    credentials: { accounts, hosts, clock: systemClock },
    clock: systemClock,
  };
}

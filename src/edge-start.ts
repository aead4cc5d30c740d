import { randomBytes } from "node:crypto";
import { join } from "node:path";
import type { Explainer } from "#cdn/explain-routes.ts";
import type { StoredListing } from "#cdn/stored-listing.ts";
import { newLoopToken } from "#edge/origin/cdn-loop.ts";
import type { FeedHub } from "#feed/hub.ts";
import type { PlatformName } from "#feed/message.ts";
import { Fleet } from "#fleet/fleet.ts";
import { startOriginServer } from "#space/origin-server.ts";
import { type EdgeView, readSnapshot } from "#sqlite/feed-source.ts";
import type { DiskUse } from "#usage/disk-families.ts";
import type { EdgeUsage } from "#usage/edge-usage.ts";
import { systemClock } from "./clock.ts";
import type { Config } from "./config.ts";
import type { DataFolder } from "./data-folder.ts";
import { openEdgeDisk } from "./edge-disk.ts";
import { openAccessLog } from "./edge-log.ts";
import { reservePorts } from "./listen.ts";
import { urlOf } from "./listeners.ts";
import type { Logger } from "./log.ts";
import type { Storage } from "./storage.ts";
import type { Together } from "./together.ts";

/** What the platform's edge is made of. */
export interface EdgeStartParts {
  readonly config: Config;
  readonly log: Logger;
  readonly folder: DataFolder;
  readonly storage: Storage;
  readonly hub: FeedHub;
  readonly usage: EdgeUsage;
  readonly view: EdgeView;
  /** Names whose requests the workers hand over. */
  readonly platform: readonly PlatformName[];
}

/** Where the edge answers, and who knows what it has stored. */
export interface StartedEdge {
  readonly urls: { readonly edge: string; readonly edgeTls: string };
  readonly stored: StoredListing;
  /** Who knows what would become of a request. */
  readonly explainer: Explainer;
  /** How the disk is used; undefined where nothing is kept there. */
  readonly diskUse: () => DiskUse | undefined;
}

/** Starts the edge's workers, and the server where they find embedded Spaces. */
export async function startEdge(
  { config, log, folder, storage, hub, usage, view, platform }: EdgeStartParts,
  { stack, listeners }: { readonly stack: AsyncDisposableStack; readonly listeners: Together },
): Promise<StartedEdge> {
  const { host, edge, logLevel } = config;
  const secret = randomBytes(32).toString("hex");
  const origin = stack.use(
    await startOriginServer({ store: storage.spaces, files: storage.files, secret, log }),
  );
  const [port, tlsPort] = await reservePorts([
    { host, port: edge.port, variable: "ATOLL_EDGE_PORT" },
    { host, port: edge.tlsPort, variable: "ATOLL_EDGE_TLS_PORT" },
  ]);
  const accessLog = await openAccessLog(config, log, stack);
  const cache = join(config.dataDir, "cache");
  const disk = await openEdgeDisk(
    {
      folder: cache,
      bytesMax: edge.diskBytesMax,
      variable: "ATOLL_DATA_DIR",
      log,
      hold: (held) => fleet.holdDisk(held),
    },
    stack,
  );
  const fleet: Fleet = listeners.use(
    new Fleet({
      hub,
      usage,
      snapshot: () => readSnapshot(folder.database, view),
      settings: {
        host,
        port,
        tls: { port: tlsPort },
        sharePort: edge.workers > 1,
        priorKnowledge: false,
        memoryBytesMax: edge.memoryBytesMax,
        ...(disk === undefined ? {} : { disk: { folder: cache } }),
        loopToken: newLoopToken(),
        platform,
        embedded: { port: origin.port, secret },
        logLevel,
        ...(accessLog === undefined ? {} : { accessLog }),
      },
      workers: edge.workers,
      ...(disk === undefined ? {} : { disk }),
      clock: systemClock,
      log,
    }),
  );
  await fleet.start();
  disk?.start();
  const urls = { edge: urlOf("http", host, port), edgeTls: urlOf("https", host, tlsPort) };
  const diskUse = (): DiskUse | undefined => disk?.stats();
  return { urls, stored: fleet.stored, explainer: fleet.explanations, diskUse };
}

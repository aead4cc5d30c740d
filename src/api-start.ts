import { randomUUID } from "node:crypto";
import { authenticator } from "#account/token.ts";
import { startUseLog } from "#account/use-log.ts";
import { Door } from "#api/door.ts";
import { RateLimiter } from "#api/rate-limit.ts";
import { createRouter, type Handler } from "#api/router.ts";
import { apiListener, startApi } from "#api/server.ts";
import type { Backup } from "#backup/route.ts";
import { takeBackup } from "#backup/take.ts";
import { EndpointService } from "#cdn/endpoint-service.ts";
import type { Leaf, LocalCa } from "#certificate/local-ca.ts";
import type { OwnNames } from "#certificate/own-names.ts";
import type { FeedHub } from "#feed/hub.ts";
import { escapeRepository } from "#registry/raw-path.ts";
import type { RegistryRouteParts } from "#registry/routes.ts";
import { SpaceService } from "#space/space-service.ts";
import { copyDatabase, filesOf } from "#sqlite/copy.ts";
import type { EdgeUsage } from "#usage/edge-usage.ts";
import type { StartedCertificates } from "./certificates-start.ts";
import { systemClock } from "./clock.ts";
import type { Config } from "./config.ts";
import { daily } from "./daily.ts";
import type { DataFolder } from "./data-folder.ts";
import type { StartedEdge } from "./edge-start.ts";
import type { Handover } from "./handover-start.ts";
import type { HttpServer, TlsIdentity } from "./http-server.ts";
import type { Address } from "./listen.ts";
import { apiNames, platformDomains, speaksPlain, urlOf } from "./listeners.ts";
import type { Logger } from "./log.ts";
import { allRoutes } from "./routes.ts";
import { sealUnder } from "./seal.ts";
import type { Storage } from "./storage.ts";
import type { Together } from "./together.ts";
import { VERSION } from "./version.ts";

/** What the API is made of. */
export interface ApiParts {
  readonly config: Config;
  readonly log: Logger;
  readonly folder: DataFolder;
  readonly storage: Storage;
  readonly hub: FeedHub;
  readonly usage: EdgeUsage;
  readonly ca: LocalCa;
  readonly ownNames: OwnNames;
  readonly registry: RegistryRouteParts;
  readonly certificates: StartedCertificates;
}

interface ApiLifetimes {
  readonly stack: AsyncDisposableStack;
  readonly listeners: Together;
  /** Nothing is answered before. */
  readonly ready: Promise<void>;
  readonly handover: Handover;
}

/** Its URLs; the first where tokens may go over plain HTTP. */
export interface StartedApi {
  readonly plain?: string;
  readonly tls: string;
}

/** Starts the API over TLS, and over plain HTTP where tokens may go over it. */
export async function startApis(
  parts: ApiParts,
  edge: StartedEdge,
  { stack, listeners, ready, handover }: ApiLifetimes,
): Promise<StartedApi> {
  const { config, folder, log, storage, ca } = parts;
  const { host, api } = config;
  const limiter = new RateLimiter(config.rateLimits, systemClock);
  const uses = stack.use(startUseLog(storage.accounts, log));
  const door = new Door({
    authenticate: authenticator(storage.accounts, folder.operatorCredential, uses, systemClock),
    limiter,
    strangers: new RateLimiter(config.rateLimits, systemClock),
    clock: systemClock,
    log,
    newRequestId: randomUUID,
  });
  const router = createRouter(routesOf(parts, limiter, edge), door, escapeRepository);
  const handler: Handler = async (request, peer) => {
    await ready;
    return router(request, peer);
  };
  handover.serve(
    "api",
    apiListener(handler, () => door.refuseMalformed()),
  );
  const start = async (address: Address, identity?: TlsIdentity): Promise<HttpServer> =>
    listeners.use(await startApi(handler, () => door.refuseMalformed(), address, identity));
  const leaf = (): Promise<Leaf> => ca.leafFor(apiNames(config), "api");
  const tlsAddress = { host, port: api.tlsPort, variable: "ATOLL_API_TLS_PORT" };
  const tls = await start(tlsAddress, await leaf());
  const renew = async (): Promise<void> => tls.useIdentity(await leaf());
  stack.use(daily(renew, "API certificate not renewed", log));
  const tlsUrl = urlOf("https", host, tls.port);
  if (!speaksPlain(config)) return { tls: tlsUrl };
  const plain = await start({ host, port: api.port, variable: "ATOLL_API_PORT" });
  return { plain: urlOf("http", host, plain.port), tls: tlsUrl };
}

function routesOf(
  parts: ApiParts,
  limiter: RateLimiter,
  { urls, stored, explainer, diskUse }: StartedEdge,
): ReturnType<typeof allRoutes> {
  const { config, log, folder, storage, hub, usage, ca, ownNames, certificates, registry } = parts;
  const { accounts, endpoints, spaces, files } = storage;
  const seal = sealUnder(folder.masterKey);
  const settled = (number: number): Promise<void> => hub.settled(number);
  return allRoutes({
    accounts,
    endpoints: new EndpointService({
      store: endpoints,
      feed: hub,
      ownNames,
      onCertificateDue: certificates.onEndpoint,
      stored,
      seal,
      limiter,
      clock: systemClock,
      spacesDomains: config.spaces.domains,
      platformDomains: platformDomains(config),
      strict: config.spaces.strict,
      purgeFilesMax: config.rateLimits.purgeFiles,
    }),
    certificates: certificates.service,
    explainer,
    spaces: new SpaceService({ store: spaces, files, seal, settled, clock: systemClock }),
    registry,
    metrics: {
      usage,
      disk: diskUse,
      certificates: certificates.use,
      token: config.metricsToken,
      version: VERSION,
    },
    backup: backupOf(parts),
    home: () => ({ version: VERSION, ...urls, caPem: ca.caPem }),
    spacesDomain: config.spaces.domains[0] ?? "",
    clock: systemClock,
    log,
  });
}

function backupOf({ config, folder, storage }: ApiParts): Backup {
  const { files, blobs } = storage;
  return (output, signal) =>
    takeBackup(
      {
        dataDir: config.dataDir,
        temporary: folder.temporary,
        copyDatabase: (path) => copyDatabase(folder.database, path),
        filesOf: (path) =>
          filesOf(path, {
            object: (file) => `objects/${files.relativePath(file)}`,
            blob: (digest) => `registry/blobs/${blobs.relativePath(digest)}`,
          }),
        holdDeletions: () => {
          const held = new AsyncDisposableStack();
          held.use(files.holdDeletions());
          held.use(blobs.holdDeletions());
          return held;
        },
      },
      systemClock,
      output,
      signal,
    );
}

import { randomUUID } from "node:crypto";
import { pid } from "node:process";
import { ensureFirstAccount } from "#account/first-account.ts";
import { authenticator } from "#account/token.ts";
import { startUseLog } from "#account/use-log.ts";
import { Door } from "#api/door.ts";
import { RateLimiter } from "#api/rate-limit.ts";
import { createRouter, type Handler } from "#api/router.ts";
import { type ApiServer, startApi, type TlsIdentity } from "#api/server.ts";
import { takeBackup } from "#backup/take.ts";
import { regionWildcards } from "#cdn/endpoint.ts";
import { EndpointService } from "#cdn/endpoint-service.ts";
import type { Leaf, LocalCa } from "#certificate/local-ca.ts";
import { OwnNames } from "#certificate/own-names.ts";
import type { FeedEntry } from "#feed/entry.ts";
import { FeedHub } from "#feed/hub.ts";
import { SpaceService } from "#space/space-service.ts";
import { copyDatabase, filesOf } from "#sqlite/copy.ts";
import { toEntries } from "#sqlite/feed-source.ts";
import { EdgeUsage } from "#usage/edge-usage.ts";
import { openLocalCa } from "#x509/local-ca.ts";
import { aborted } from "./aborted.ts";
import { monotonicClock, systemClock } from "./clock.ts";
import type { Config } from "./config.ts";
import { type DataFolder, openDataFolder } from "./data-folder.ts";
import { type StartedEdge, startEdge } from "./edge-start.ts";
import { edgeView, upstreamDefault } from "./edge-view.ts";
import { SHUTDOWN_GRACE_MS } from "./limits.ts";
import type { Address } from "./listen.ts";
import { apiNames, platformDomains, speaksPlain, urlOf } from "./listeners.ts";
import { createLogger, type Logger } from "./log.ts";
import { allRoutes } from "./routes.ts";
import { sealUnder } from "./seal.ts";
import { openStorage, type Storage } from "./storage.ts";
import { summary } from "./summary.ts";
import { Together } from "./together.ts";
import { VERSION } from "./version.ts";

/** How the program speaks to whoever started it, and is told to end. */
export interface ServeIo {
  stdout(line: string): void;
  readonly signal: AbortSignal;
}

/** What the parts share. */
interface Platform {
  readonly config: Config;
  readonly log: Logger;
  readonly folder: DataFolder;
  readonly storage: Storage;
  readonly hub: FeedHub;
  readonly usage: EdgeUsage;
  readonly ca: LocalCa;
  readonly ownNames: OwnNames;
}

/** What ends when: first, and all at once, the listeners; then the rest, last started first. */
interface Lifetimes {
  readonly stack: AsyncDisposableStack;
  readonly listeners: Together;
}

/**
 * Runs the whole platform until the signal aborts, then finishes what is in flight and resolves.
 * @throws Error with one clear line when it cannot start, or cannot go on
 */
export async function serve(config: Config, io: ServeIo): Promise<void> {
  await using stack = new AsyncDisposableStack();
  // Declared after the rest, so ended before it.
  await using listeners = new Together();
  const log = createLogger(config.logLevel);
  const folder = stack.use(await openDataFolder(config.dataDir));
  const hub = new FeedHub(monotonicClock);
  const usage = new EdgeUsage();
  const view = edgeView(sealUnder(folder.masterKey), await upstreamDefault(config));
  const death = Promise.withResolvers<never>();
  // Raced at the end; one that comes while starting shows as the failed write that it is.
  death.promise.catch(() => undefined);
  const storage = stack.use(
    await openStorage(folder, {
      onRecords: (records) => publish(toEntries(records, view), hub, usage),
      onDeath: death.reject,
    }),
  );
  const ca = await openLocalCa(folder.ca, systemClock);
  const ownNames = await openOwnNames({ log, folder, storage, hub, ca });
  const platform: Platform = { config, log, folder, storage, hub, usage, ca, ownNames };
  const edge = await startEdge({ ...platform, view }, { stack, listeners });
  stack.use(daily(() => ownNames.renew(), "certificates of own names not renewed", log));
  const ready = Promise.withResolvers<void>();
  ready.promise.catch(() => undefined);
  const api = await startApis(platform, edge, { stack, listeners, ready: ready.promise });
  // Only now: a start that is refused must not have made, and lost, the token that it would show.
  const { account, newToken } = await ensureFirstAccount(
    storage.accounts,
    config,
    systemClock,
  ).catch((error: unknown) => {
    ready.reject(error);
    throw error;
  });
  ready.resolve();
  await folder.writeRuntime({
    pid,
    ...(api.plain === undefined ? {} : { api: api.plain }),
    api_tls: api.tls,
    edge: edge.urls.edge,
    edge_tls: edge.urls.edgeTls,
  });
  listeners.use({ [Symbol.asyncDispose]: () => folder.removeRuntime() });
  const lines = summary({
    dataDir: config.dataDir,
    ...(api.plain === undefined ? {} : { api: api.plain }),
    apiTls: api.tls,
    ...edge.urls,
    workers: config.edge.workers,
    email: account.email,
    ...(newToken === undefined ? {} : { newToken }),
    knowsToken: config.token !== undefined,
    unknownVariables: config.unknownVariables,
  });
  for (const line of lines) io.stdout(line);
  await Promise.race([aborted(io.signal), death.promise]);
  io.stdout(`Stopping: what is in flight is finished, for ${SHUTDOWN_GRACE_MS / 1_000} s at most`);
}

/** Tells the edges, and ends the series of endpoints that are gone. */
function publish(entries: readonly FeedEntry[], hub: FeedHub, usage: EdgeUsage): void {
  hub.publish(entries);
  for (const entry of entries) if (entry.kind === "endpoint-delete") usage.forget(entry.id);
}

/** TLS for every endpoint that is there, before the first worker asks for it; then looked at daily. */
async function openOwnNames(
  parts: Pick<Platform, "log" | "folder" | "storage" | "hub" | "ca">,
): Promise<OwnNames> {
  const { log, folder, storage, hub, ca } = parts;
  const ownNames = new OwnNames({
    store: storage.certificates,
    ca,
    seal: sealUnder(folder.masterKey),
    settled: (number) => hub.settled(number),
    log,
  });
  await ownNames.ensure(storage.endpoints.regions().flatMap(regionWildcards));
  await ownNames.renew();
  return ownNames;
}

/** The API over TLS, and over plain HTTP where tokens may go over it. @returns their URLs */
async function startApis(
  platform: Platform,
  edge: StartedEdge,
  { stack, listeners, ready }: Lifetimes & { readonly ready: Promise<void> },
): Promise<{ readonly plain?: string; readonly tls: string }> {
  const { config, folder, log, storage, ca } = platform;
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
  const router = createRouter(routesOf(platform, limiter, edge), door);
  const handler: Handler = async (request, peer) => {
    await ready;
    return router(request, peer);
  };
  const start = async (address: Address, identity?: TlsIdentity): Promise<ApiServer> =>
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
  { config, log, folder, storage, hub, usage, ca, ownNames }: Platform,
  limiter: RateLimiter,
  { urls, stored, explainer, diskUse }: StartedEdge,
): ReturnType<typeof allRoutes> {
  const { accounts, endpoints, spaces, files } = storage;
  const seal = sealUnder(folder.masterKey);
  return allRoutes({
    accounts,
    endpoints: new EndpointService({
      store: endpoints,
      feed: hub,
      ownNames,
      stored,
      seal,
      limiter,
      clock: systemClock,
      spacesDomains: config.spaces.domains,
      platformDomains: platformDomains(config),
      strict: config.spaces.strict,
      purgeFilesMax: config.rateLimits.purgeFiles,
    }),
    explainer,
    spaces: new SpaceService({
      store: spaces,
      files,
      seal,
      settled: (number) => hub.settled(number),
      clock: systemClock,
    }),
    metrics: { usage, disk: diskUse, token: config.metricsToken, version: VERSION },
    backup: (output, signal) =>
      takeBackup(
        {
          dataDir: config.dataDir,
          temporary: folder.temporary,
          copyDatabase: (path) => copyDatabase(folder.database, path),
          filesOf: (path) => filesOf(path).map((file) => files.relativePath(file)),
          holdDeletions: () => files.holdDeletions(),
        },
        systemClock,
        output,
        signal,
      ),
    home: () => ({ version: VERSION, ...urls, caPem: ca.caPem }),
    spacesDomain: config.spaces.domains[0] ?? "",
    clock: systemClock,
    log,
  });
}

const DAY_MS = 86_400_000;

/** Certificates are looked at once a day; those that are due are renewed. */
function daily(renew: () => Promise<void>, failure: string, log: Logger): Disposable {
  const timer = setInterval(() => {
    renew().catch((error: unknown) => log.error({ err: error }, failure));
  }, DAY_MS);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

import { pid } from "node:process";
import type { Account } from "#account/account.ts";
import { ensureFirstAccount } from "#account/first-account.ts";
import { regionWildcards } from "#cdn/endpoint.ts";
import type { LocalCa } from "#certificate/local-ca.ts";
import { OwnNames } from "#certificate/own-names.ts";
import type { FeedEntry } from "#feed/entry.ts";
import { FeedHub } from "#feed/hub.ts";
import { type EdgeView, toEntries } from "#sqlite/feed-source.ts";
import { EdgeUsage } from "#usage/edge-usage.ts";
import { openLocalCa } from "#x509/local-ca.ts";
import { aborted } from "./aborted.ts";
import { type StartedApi, startApis } from "./api-start.ts";
import { startCertificates } from "./certificates-start.ts";
import { startChallenges } from "./challenges-start.ts";
import { monotonicClock, systemClock } from "./clock.ts";
import type { Config } from "./config.ts";
import { daily } from "./daily.ts";
import { type DataFolder, openDataFolder } from "./data-folder.ts";
import { type StartedEdge, startEdge } from "./edge-start.ts";
import { edgeView, upstreamDefault } from "./edge-view.ts";
import { startHandover } from "./handover-start.ts";
import { SHUTDOWN_GRACE_MS } from "./limits.ts";
import { locallyIssued } from "./listeners.ts";
import { createLogger, type Logger } from "./log.ts";
import { PlatformCertificates } from "./platform-certificates.ts";
import { startRegistryApi } from "./registry-api-start.ts";
import { type StartedRegistry, startRegistry } from "./registry-start.ts";
import { sealUnder } from "./seal.ts";
import { openStorage, type Storage } from "./storage.ts";
import { type Running, summary } from "./summary.ts";
import { Together } from "./together.ts";

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
  readonly view: EdgeView;
  readonly ca: LocalCa;
}

/**
 * Runs the whole platform until the signal aborts, then finishes what is in flight and resolves.
 * @throws Error with one clear line when it cannot start, or cannot go on
 */
export async function serve(config: Config, io: ServeIo): Promise<void> {
  // What ends when: first, and all at once, the listeners; then the rest, last started first.
  await using stack = new AsyncDisposableStack();
  await using listeners = new Together();
  const death = Promise.withResolvers<never>();
  // Raced at the end; one that comes while starting shows as the failed write that it is.
  death.promise.catch(() => undefined);
  const platform = await openPlatform(config, death.reject, stack);
  const { log, folder, storage } = platform;
  const platformCertificates = await PlatformCertificates.open(config, storage);
  const ownNames = await openOwnNames(platform);
  let hosts: readonly string[] = [];
  const seal = sealUnder(folder.masterKey);
  const registry = startRegistryApi({ config, storage, seal, log, hosts: () => hosts }, stack);
  const challenges = await startChallenges(platform, { stack, listeners });
  const handover = await startHandover(config, stack);
  const edgeParts = { ...platform, platform: handover.settings };
  const edge = await startEdge(edgeParts, { stack, listeners });
  // After the edge, which answers what CAs ask.
  const certificateParts = { ...platform, ...challenges, platformCertificates };
  const certificates = await startCertificates(certificateParts, stack);
  stack.use(daily(() => ownNames.renew(), "certificates of own names not renewed", log));
  const ready = Promise.withResolvers<void>();
  ready.promise.catch(() => undefined);
  const lifetimes = { stack, listeners, ready: ready.promise, handover };
  const apiParts = { ...platform, ownNames, registry, certificates };
  const api = await startApis(apiParts, edge, lifetimes);
  const oci = await startRegistry(platform, lifetimes);
  hosts = oci.hosts;
  // Only now: a start that is refused must not have made, and lost, the token that it would show.
  const first = ensureFirstAccount(storage.accounts, config, systemClock);
  first.catch((error: unknown) => ready.reject(error));
  const { account, newToken } = await first;
  ready.resolve();
  const started = { api, edge: edge.urls, oci: oci.urls };
  await folder.writeRuntime({ pid, ...runtimeOf(started), dns: challenges.dns });
  listeners.use({ [Symbol.asyncDispose]: () => folder.removeRuntime() });
  for (const line of summary(toldOf(started, config, account, newToken))) io.stdout(line);
  await Promise.race([aborted(io.signal), death.promise]);
  io.stdout(`Stopping: what is in flight is finished, for ${SHUTDOWN_GRACE_MS / 1_000} s at most`);
}

/** Where the parts answer. */
interface Started {
  readonly api: StartedApi;
  readonly edge: StartedEdge["urls"];
  readonly oci: StartedRegistry["urls"];
}

function runtimeOf({ api, edge, oci }: Started): Readonly<Record<string, string>> {
  return {
    ...(api.plain === undefined ? {} : { api: api.plain }),
    api_tls: api.tls,
    edge: edge.edge,
    edge_tls: edge.edgeTls,
    registry: oci.registry,
    registry_tls: oci.registryTls,
  };
}

function toldOf(
  { api, edge, oci }: Started,
  config: Config,
  { email }: Account,
  newToken: string | undefined,
): Running {
  return {
    dataDir: config.dataDir,
    ...(api.plain === undefined ? {} : { api: api.plain }),
    apiTls: api.tls,
    ...edge,
    ...oci,
    workers: config.edge.workers,
    email,
    ...(newToken === undefined ? {} : { newToken }),
    knowsToken: config.token !== undefined,
    unknownVariables: config.unknownVariables,
  };
}

/** Opens what lasts. @param onDeath is called when nothing can be written any more */
async function openPlatform(
  config: Config,
  onDeath: (error: Error) => void,
  stack: AsyncDisposableStack,
): Promise<Platform> {
  const log = createLogger(config.logLevel);
  const folder = stack.use(await openDataFolder(config.dataDir, config.masterKeyFile));
  const hub = new FeedHub(monotonicClock);
  const usage = new EdgeUsage();
  const seal = sealUnder(folder.masterKey);
  const view = edgeView(seal, await upstreamDefault(config));
  const storage = stack.use(
    await openStorage(folder, {
      onRecords: (records) => publish(toEntries(records, view), hub, usage),
      onDeath,
    }),
  );
  const ca = await openLocalCa(folder.ca, storage.localCa(seal), systemClock);
  return { config, log, folder, storage, hub, usage, view, ca };
}

/** Tells the edges, and ends the series of endpoints that are gone. */
function publish(entries: readonly FeedEntry[], hub: FeedHub, usage: EdgeUsage): void {
  hub.publish(entries);
  for (const entry of entries) if (entry.kind === "endpoint-delete") usage.forget(entry.id);
}

/** TLS for every endpoint that is there, before the first worker asks for it; then looked at daily. */
async function openOwnNames({
  config,
  log,
  folder,
  storage,
  hub,
  ca,
}: Platform): Promise<OwnNames> {
  const ownNames = new OwnNames({
    store: storage.certificates,
    ca,
    seal: sealUnder(folder.masterKey),
    settled: (number) => hub.settled(number),
    log,
  });
  const wildcards = storage.endpoints.regions().flatMap(regionWildcards);
  await ownNames.ensure([...wildcards, ...locallyIssued(config)]);
  await ownNames.renew();
  return ownNames;
}

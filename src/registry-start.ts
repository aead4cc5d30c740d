import { randomUUID } from "node:crypto";
import { startUseLog } from "#account/use-log.ts";
import { RateLimiter } from "#api/rate-limit.ts";
import type { LocalCa } from "#certificate/local-ca.ts";
import { startChores } from "#oci/chores.ts";
import { RegistryDoor } from "#oci/door.ts";
import { startRegistryServer } from "#oci/server.ts";
import { sessionsUnder } from "#oci/session.ts";
import { SignIn } from "#oci/sign-in.ts";
import { Streams } from "#oci/streams.ts";
import { UploadTurns } from "#oci/upload-turns.ts";
import { systemClock } from "./clock.ts";
import type { Config } from "./config.ts";
import { daily } from "./daily.ts";
import type { DataFolder } from "./data-folder.ts";
import type { Handover } from "./handover-start.ts";
import type { HttpServer, TlsIdentity } from "./http-server.ts";
import type { Address } from "./listen.ts";
import { authorityOf, isLoopback, registryNames, urlOf } from "./listeners.ts";
import type { Logger } from "./log.ts";
import type { Storage } from "./storage.ts";
import type { Together } from "./together.ts";

export interface RegistryStartParts {
  readonly config: Config;
  readonly log: Logger;
  readonly folder: DataFolder;
  readonly storage: Storage;
  readonly ca: LocalCa;
}

interface RegistryLifetimes {
  readonly stack: AsyncDisposableStack;
  readonly listeners: Together;
  readonly handover: Handover;
}

/** Where the registry answers. */
export interface StartedRegistry {
  readonly urls: { readonly registry: string; readonly registryTls: string };
  /** As images' names have them, the one to use first. */
  readonly hosts: readonly string[];
}

const LOOPBACK = "127.0.0.1";

/** Starts the OCI registry: over TLS, and over plain HTTP for this machine alone. */
export async function startRegistry(
  { config, log, folder, storage, ca }: RegistryStartParts,
  { stack, listeners, handover }: RegistryLifetimes,
): Promise<StartedRegistry> {
  const { accounts, content: store, blobs: files, uploads } = storage;
  const clock = systemClock;
  const turns = new UploadTurns(clock);
  const sessions = sessionsUnder(folder.masterKey, clock);
  const uses = stack.use(startUseLog(accounts, log));
  const strangers = new RateLimiter(config.rateLimits, clock);
  const door = new RegistryDoor({
    store,
    files,
    uploads,
    turns,
    streams: new Streams(),
    sessions,
    signIn: new SignIn({ accounts, sessions, uses, strangers, clock }),
    newId: randomUUID,
    clock,
    log,
  });
  stack.use(startChores({ store, files, uploads, turns, clock, log }));
  handover.serve("registry", (call, reply) => void door.answer(call, reply), "by-itself");
  const start = async (address: Address, identity?: TlsIdentity): Promise<HttpServer> =>
    listeners.use(await startRegistryServer(door, address, identity));
  const { host, registry, domain } = config;
  const leaf = (): Promise<TlsIdentity> => ca.leafFor(registryNames(config), "registry");
  const tlsAddress = { host, port: registry.tlsPort, variable: "ATOLL_REGISTRY_TLS_PORT" };
  const tls = await start(tlsAddress, await leaf());
  const renew = async (): Promise<void> => tls.useIdentity(await leaf());
  stack.use(daily(renew, "registry certificate not renewed", log));
  // Passwords go over plain HTTP on the loopback only: docker takes that for safe, too.
  const plainHost = isLoopback(host) ? host : LOOPBACK;
  const plainAddress = { host: plainHost, port: registry.port, variable: "ATOLL_REGISTRY_PORT" };
  const plain = await start(plainAddress);
  return {
    urls: {
      registry: urlOf("http", plainHost, plain.port),
      registryTls: urlOf("https", host, tls.port),
    },
    hosts: [
      ...(domain === undefined ? [] : [`registry.${domain}`]),
      authorityOf(plainHost, plain.port),
      ...(plainHost === LOOPBACK ? [`localhost:${plain.port}`] : []),
      authorityOf(host, tls.port),
    ],
  };
}

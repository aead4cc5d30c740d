import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { createSecureContext } from "node:tls";
import { explanationView } from "#cdn/explain-routes.ts";
import { parseExplained } from "#cdn/explained-request.ts";
import { newLoopToken } from "#edge/origin/cdn-loop.ts";
import { type EdgeCertificate, type EdgeEndpoint, EVERY_NAME } from "#feed/entry.ts";
import { FeedHub, type SnapshotSource } from "#feed/hub.ts";
import type { EdgeSettings } from "#feed/message.ts";
import { Fleet } from "#fleet/fleet.ts";
import type { DiskUse } from "#usage/disk-families.ts";
import { EdgeUsage } from "#usage/edge-usage.ts";
import type { LogFormat } from "#usage/log-line.ts";
import { LOOPBACK, startLoopback } from "#usage/loopback.ts";
import { aborted } from "./aborted.ts";
import { monotonicClock, systemClock } from "./clock.ts";
import { openEdgeDisk } from "./edge-disk.ts";
import { reservePorts } from "./listen.ts";
import { urlOf } from "./listeners.ts";
import { createLogger, type Logger } from "./log.ts";
import { VERSION } from "./version.ts";

/** How `atoll edge` is to be run. */
export interface EdgeConfig {
  readonly origin: string;
  readonly host: string;
  readonly port: number;
  readonly tlsPort?: number;
  /** Files, PEM. */
  readonly cert?: string;
  readonly key?: string;
  /** Seconds, or the heuristics of RFC 9111. */
  readonly defaultTtl: number | "none";
  readonly workers: number;
  readonly memory: number;
  /** A folder that stored responses are kept in beside memory, and how many bytes of it at most. */
  readonly disk?: string;
  readonly diskBytes: number;
  /** A file, or `-`. Absent: none is kept. */
  readonly accessLog?: string;
  readonly accessLogFormat: LogFormat;
  /** On the loopback. Absent: nothing answers there. */
  readonly metricsPort?: number;
  readonly logLevel: string;
}

/** How the program speaks to whoever started it, and is told to end. */
interface EdgeIo {
  stdout(line: string): void;
  readonly signal: AbortSignal;
}

/** The two files of the certificate that everyone is shown. */
interface CertificateFiles {
  readonly cert: string;
  readonly key: string;
}

/** How often the files are looked at: who renews a certificate need not tell us. */
const FILES_POLL_MS = 2_000;

/**
 * Runs the edge alone, in front of one origin, until the signal aborts: the platform's own workers,
 * fed by a parent that has one endpoint and perhaps one certificate to tell them of.
 * @throws Error with one clear line when it cannot start
 */
export async function serveEdge(config: EdgeConfig, io: EdgeIo): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const { host, workers } = config;
  const { signal } = io;
  const log = createLogger(config.logLevel);
  const files = certificateFiles(config);
  const state: EdgeState = { number: 1, certificate: files && (await readCertificate(files)) };
  const hub = new FeedHub(monotonicClock);
  const usage = new EdgeUsage();
  const addresses = [{ host, port: config.port, variable: "--port" }];
  if (config.tlsPort !== undefined) {
    addresses.push({ host, port: config.tlsPort, variable: "--tls-port" });
  }
  const [port = 0, tlsPort] = await reservePorts(addresses);
  const disk = await openEdgeDisk(
    {
      folder: config.disk ?? "",
      bytesMax: config.disk === undefined ? 0 : config.diskBytes,
      variable: "--disk",
      log,
      hold: (held) => fleet.holdDisk(held),
    },
    stack,
  );
  const fleet: Fleet = stack.use(
    new Fleet({
      hub,
      usage,
      snapshot: snapshotOf(config, state),
      settings: settingsOf(config, port, tlsPort),
      workers,
      ...(disk === undefined ? {} : { disk }),
      clock: systemClock,
      log,
    }),
  );
  await fleet.start();
  disk?.start();
  const urls = [urlOf("http", host, port)];
  if (tlsPort !== undefined) urls.push(urlOf("https", host, tlsPort));
  if (config.metricsPort !== undefined) {
    const explain = (query: URLSearchParams): Promise<object> => explained(fleet, query);
    const diskUse = (): DiskUse | undefined => disk?.stats();
    const parts = { port: config.metricsPort, version: VERSION, usage, disk: diskUse, explain };
    const metricsPort = await startLoopback(parts, stack);
    urls.push(`${urlOf("http", LOOPBACK, metricsPort)}/metrics`);
  }
  io.stdout(`ready ${urls.join(" ")}`);
  const followed = files && followFiles(files, { state, hub, log, signal });
  await Promise.all([aborted(signal), followed]);
}

function settingsOf(config: EdgeConfig, port: number, tlsPort: number | undefined): EdgeSettings {
  const { host, workers, memory, disk, logLevel, accessLog, accessLogFormat } = config;
  return {
    host,
    port,
    ...(tlsPort === undefined ? {} : { tls: { port: tlsPort } }),
    priorKnowledge: true,
    sharePort: workers > 1,
    memoryBytesMax: memory,
    ...(disk === undefined ? {} : { disk: { folder: disk } }),
    loopToken: newLoopToken(),
    // Nothing of ours is embedded: there is no Space.
    embedded: { port: 0, secret: "" },
    logLevel,
    ...(accessLog === undefined ? {} : { accessLog: { path: accessLog, format: accessLogFormat } }),
  };
}

/** What the query of `/explain` says: `url`, and perhaps `method` and any number of `header=NAME: VALUE`. */
async function explained(fleet: Fleet, query: URLSearchParams): Promise<object> {
  const lines = query.getAll("header").map((line) => {
    const [name = "", ...value] = line.split(":");
    return [name, value.join(":")] as const;
  });
  const headers = Object.fromEntries(lines);
  const method = query.get("method") ?? undefined;
  const request = parseExplained({ url: query.get("url") ?? "", method, headers });
  return { explanation: explanationView(await fleet.explanations.explain(request)) };
}

/** What the edge's workers are told of. */
interface EdgeState {
  /** Of the newest entry of the feed. */
  number: number;
  certificate: EdgeCertificate | undefined;
}

const ENDPOINT_ID = "edge";
const CERTIFICATE_ID = "edge";

function snapshotOf({ origin, defaultTtl }: EdgeConfig, state: EdgeState): SnapshotSource {
  const endpoint: EdgeEndpoint = {
    id: ENDPOINT_ID,
    role: "proxy",
    space: "",
    region: "",
    domain: "",
    upstream: { url: origin },
    ...(defaultTtl === "none" ? {} : { ttl: defaultTtl }),
  };
  return async function* snapshot() {
    const certificates = state.certificate === undefined ? [] : [state.certificate];
    yield { kind: "part", endpoints: [endpoint], purges: [], certificates, challenges: [] };
    yield { kind: "end", number: state.number };
  };
}

function certificateFiles({ tlsPort, cert, key }: EdgeConfig): CertificateFiles | undefined {
  if (tlsPort === undefined && cert === undefined && key === undefined) return undefined;
  if (tlsPort !== undefined && cert !== undefined && key !== undefined) return { cert, key };
  throw new Error("--tls-port, --cert and --key go together: expected all three, or none");
}

/** @throws Error that names the file */
async function readCertificate({ cert, key }: CertificateFiles): Promise<EdgeCertificate> {
  const certPem = await readPem(cert, "--cert");
  const keyPem = await readPem(key, "--key");
  const leaf = parse(() => new X509Certificate(certPem), `--cert: ${cert} is no PEM certificate`);
  const pair = parse(() => createPrivateKey(keyPem), `--key: ${key} is no PEM private key`);
  if (!leaf.checkPrivateKey(pair)) {
    throw new Error(`--key: ${key} is not the key of the certificate in ${cert}`);
  }
  // All of the chain, and by the rules that the workers will have.
  const context = () => createSecureContext({ cert: certPem, key: keyPem, minVersion: "TLSv1.2" });
  parse(context, `--cert: ${cert} and its key cannot be served`);
  const notAfter = leaf.validToDate.getTime();
  return { id: CERTIFICATE_ID, names: [EVERY_NAME], certPem, keyPem, notAfter };
}

async function readPem(file: string, option: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new Error(`${option}: ${file} cannot be read (${code})`, { cause });
  }
}

function parse<T>(read: () => T, message: string): T {
  try {
    return read();
  } catch (cause) {
    throw new Error(message, { cause });
  }
}

interface Following {
  readonly state: EdgeState;
  readonly hub: FeedHub;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/** Until the signal aborts: takes up what is new in the files, and keeps what it has if it is bad. */
async function followFiles(files: CertificateFiles, following: Following): Promise<void> {
  const { state, hub, log, signal } = following;
  let complained = "";
  while (!signal.aborted) {
    // Rejects when the signal aborts, which ends the loop.
    await delay(FILES_POLL_MS, undefined, { signal }).catch(() => undefined);
    try {
      const found = await readCertificate(files);
      const { certPem, keyPem } = state.certificate ?? {};
      complained = "";
      if (found.certPem === certPem && found.keyPem === keyPem) continue;
      state.certificate = found;
      state.number += 1;
      const { number } = state;
      hub.publish([{ number, kind: "certificate-put", certificate: found }]);
      await hub.settled(number);
      log.info({ not_after: new Date(found.notAfter).toISOString() }, "certificate replaced");
    } catch (error) {
      // Files are not replaced at one moment: until both fit, the old pair is served.
      const { message } = error as Error;
      if (message !== complained) log.warn({ err: error }, "certificate not replaced");
      complained = message;
    }
  }
}

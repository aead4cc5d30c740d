import { X509Certificate } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { getCACertificates } from "node:tls";
import { Agent, request } from "undici";
import type { Clock } from "#clock.ts";
import { type Check, fail, ok, warn } from "./check.ts";
import type { Runtime } from "./server.ts";

const DAY_MS = 86_400_000;
/** Everyone who trusts it has to be told before it ends. */
const CA_WARN_MS = 90 * DAY_MS;

/** A server that does not answer this in time is not well. */
const HEALTH_TIMEOUT_MS = 5_000;

/** The local CA: there, a certificate, no key beside it, and not at its end. */
export async function checkCa(dataDir: string, clock: Clock): Promise<Check> {
  const name = "local CA";
  const path = join(dataDir, "ca", "ca.pem");
  const pem = await readFile(path, "utf8").catch(() => undefined);
  if (pem === undefined) return ok(name, "will be made at the first start");
  const key = await stat(join(dataDir, "ca", "ca.key")).catch(() => undefined);
  if (key !== undefined && (key.mode & 0o077) !== 0)
    return fail(name, `others may read ca.key: chmod 600 ${dataDir}/ca/ca.key`);
  if (key !== undefined)
    return warn(name, "ca.key is in the clear: the next start takes it into the database");
  try {
    return judgeCaEnd(new X509Certificate(pem).validToDate, clock.now());
  } catch {
    return fail(name, `${path} is not a certificate: restore it from a backup`);
  }
}

/** Whether there is time left. */
export function judgeCaEnd(notAfter: Date, now: number): Check {
  const name = "local CA";
  const end = notAfter.toISOString().slice(0, 10);
  const left = notAfter.getTime() - now;
  if (left <= 0) return fail(name, `expired on ${end}: the next start makes a new one to trust`);
  if (left < CA_WARN_MS) return warn(name, `expires on ${end}: plan to trust a new one`);
  return ok(name, `valid until ${end}; atoll ca trust says how to trust it`);
}

/** The server, if it runs: does it answer, and does it say that it is well? */
export async function checkServer(
  dataDir: string,
  runtime: Runtime | undefined,
  signal: AbortSignal,
): Promise<Check> {
  const name = "server";
  if (runtime === undefined) return warn(name, `none runs on ${dataDir}: npm start`);
  const base = runtime.api ?? runtime.api_tls;
  if (!base) return fail(name, `process ${runtime.pid} has no API: restart it`);
  const ca = await readFile(join(dataDir, "ca", "ca.pem"), "utf8").catch(() => "");
  const dispatcher = new Agent({ connect: { ca: [...getCACertificates("default"), ca] } });
  try {
    const reply = await request(new URL("/healthz", base), {
      dispatcher,
      signal: AbortSignal.any([signal, AbortSignal.timeout(HEALTH_TIMEOUT_MS)]),
    });
    await reply.body.dump();
    if (reply.statusCode === 200) return ok(name, `process ${runtime.pid} answers at ${base}`);
    return fail(name, `${base}/healthz answers ${reply.statusCode}: look at its log`);
  } catch (error) {
    signal.throwIfAborted();
    const why = (error as Error).message;
    return fail(
      name,
      `process ${runtime.pid} does not answer at ${base} (${why}): look at its log`,
    );
  } finally {
    await dispatcher.destroy();
  }
}

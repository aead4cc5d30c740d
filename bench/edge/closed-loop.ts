import assert from "node:assert/strict";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { type Case, objectPath } from "./case.ts";
import { CIPHER } from "./certificate.ts";
import { percentile } from "./percentile.ts";
import { runLoad } from "./program.ts";
import type { Server, Setting } from "./server.ts";

export interface Answered {
  readonly requests: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export interface Loop {
  readonly server: Server;
  readonly setting: Setting;
  readonly case: Case;
  readonly objects: number;
  /** Absent: each of the objects in turn. */
  readonly order?: Order;
  readonly seconds: number;
  /** The load's. */
  readonly core: string;
}

/** Which object is asked for next. Over HTTP/1.1 only: h2load has no other order than in turn. */
type Order =
  /** Any of them, each as likely. */
  | { readonly kind: "random"; readonly seed: number }
  /** One that was never asked for: `/10k/PREFIX-0`, `/10k/PREFIX-1`, … */
  | { readonly kind: "new"; readonly prefix: string };

/** The heads that come with the bodies are no longer than this. */
const HEAD_BYTES_MAX = 1_024;
const H2_CONNECTIONS = 10;
const H2_STREAMS = 10;
const WRK_SCRIPT = new URL("./wrk.lua", import.meta.url).pathname;

/**
 * As many requests as a server answers over a fixed number of connections.
 * @throws Error unless each was answered with 200 and a body of the right length.
 */
export function closedLoop(loop: Loop): Promise<Answered> {
  return loop.case.protocol === "h2" ? h2load(loop) : wrk(loop);
}

async function wrk(loop: Loop): Promise<Answered> {
  const { server, setting, case: of, objects, order, seconds, core } = loop;
  const tls = of.protocol === "tls";
  const base = tls ? `https://127.0.0.1:${server.tlsPort}` : `http://127.0.0.1:${server.port}`;
  const { connections, name, bytes } = of.size;
  const printed = await runLoad({
    program: "wrk",
    args: [
      "-t1",
      `-c${connections}`,
      `-d${seconds}s`,
      "--latency",
      "-s",
      WRK_SCRIPT,
      `${base}${objectPath(of.size, 0)}`,
      "--",
      name,
      String(objects),
      ...orderArguments(order),
    ],
    seconds,
    core,
    signal: setting.signal,
    env: { OPENSSL_CONF: setting.certificate.clientConfigPath },
  });
  const result = /^RESULT (.+)$/m.exec(printed)?.[1];
  if (result === undefined) throw new Error(`wrk printed no result:\n${printed}`);
  const seen = JSON.parse(result) as Answered & { errors: number; bytes: number };
  if (seen.errors > 0) throw new Error(`wrk saw ${seen.errors} errors`);
  // It ends amid answers, whose bytes it has counted.
  const most = (seen.requests + connections) * (bytes + HEAD_BYTES_MAX);
  if (seen.requests === 0 || seen.bytes < seen.requests * bytes || seen.bytes > most) {
    throw new Error(`wrk got ${seen.bytes} bytes in ${seen.requests} answers of ${bytes}`);
  }
  return seen;
}

function orderArguments(order: Order | undefined): string[] {
  if (order === undefined) return [];
  return [order.kind, order.kind === "random" ? String(order.seed) : order.prefix];
}

async function h2load(loop: Loop): Promise<Answered> {
  const { server, setting, case: of, objects, seconds, core } = loop;
  assert(loop.order === undefined);
  const base = `https://127.0.0.1:${server.tlsPort}`;
  const log = join(setting.folder, `h2load-${server.port}.log`);
  const paths = Array.from({ length: objects }, (_, number) => objectPath(of.size, number));
  try {
    const printed = await runLoad({
      program: "h2load",
      args: [
        "-t1",
        `-c${H2_CONNECTIONS}`,
        `-m${H2_STREAMS}`,
        `-D${seconds}`,
        `--tls13-ciphers=${CIPHER}`,
        `--log-file=${log}`,
        ...paths.map((path) => base + path),
      ],
      seconds,
      core,
      signal: setting.signal,
    });
    const requests = answeredOverH2(printed, of.size.bytes);
    return { requests, ...percentiles(await readFile(log, "utf8")) };
  } finally {
    await rm(log, { force: true });
  }
}

/** What h2load counted, if it is what was to be measured. */
function answeredOverH2(printed: string, bodyBytes: number): number {
  const cipher = /^Cipher: (\S+)$/m.exec(printed)?.[1];
  if (cipher !== CIPHER) throw new Error(`h2load negotiated ${cipher ?? "nothing"}`);
  if (!printed.includes("Application protocol: h2\n")) throw new Error("h2load had no HTTP/2");
  const numbers = (line: RegExp): number[] => (line.exec(printed) ?? []).slice(1).map(Number);
  const [succeeded = 0, failed = 0, errored = 0, timedOut = 0] = numbers(
    /^requests: .* (\d+) succeeded, (\d+) failed, (\d+) errored, (\d+) timeout$/m,
  );
  const [data = 0] = numbers(/\((\d+)\) data$/m);
  if (succeeded === 0 || failed + errored + timedOut > 0) {
    throw new Error(`h2load: ${succeeded} succeeded, ${failed + errored + timedOut} did not`);
  }
  const most = (succeeded + H2_CONNECTIONS * H2_STREAMS) * bodyBytes;
  if (data < succeeded * bodyBytes || data > most) {
    throw new Error(`h2load got ${data} bytes in ${succeeded} bodies of ${bodyBytes}`);
  }
  return succeeded;
}

/** From lines of start time, status and microseconds, separated by tabs. */
function percentiles(log: string): { readonly p50Ms: number; readonly p99Ms: number } {
  const lines = log.trimEnd().split("\n");
  const ms = Float64Array.from(lines, (line) => Number(line.split("\t")[2]) / 1_000);
  return { p50Ms: percentile(ms, 0.5), p99Ms: percentile(ms, 0.99) };
}

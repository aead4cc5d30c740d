import { ASK } from "../support/ask.ts";
import { openAuthority } from "../support/certificates.ts";
import { startEdgeAlone } from "../support/edge-alone.ts";
import { type Check, checksOf, unseen } from "./checks.ts";
import { contentOf } from "./content.ts";
import { type Place, runLoad } from "./load.ts";
import { startOrigin } from "./origin.ts";
import { report } from "./report.ts";
import { ACCESS_LOG, beginTrial, loadTrial, WORKERS } from "./trial.ts";

const MEMORY_BYTES = 32 * 1024 * 1024;

/** How long a soak lasts, what it follows from, and who is told how it goes. */
export interface SoakTerms {
  readonly minutes: number;
  readonly seed: number;
  readonly say: (line: string) => void;
}

/** All that a day on the wire has, in minutes, against the real `atoll edge`. */
export async function soakWire({ minutes, seed, say }: SoakTerms): Promise<readonly Check[]> {
  await using stack = new AsyncDisposableStack();
  const origin = stack.use(await startOrigin());
  const authority = stack.use(await openAuthority());
  const files = await authority.filesOf(await authority.issue("127.0.0.1"));
  const args = ["--workers", String(WORKERS), "--memory", String(MEMORY_BYTES)];
  const log = ["--access-log", ACCESS_LOG];
  const edge = stack.use(
    await startEdgeAlone({ origin: origin.url, files, args: [...args, ...log] }),
  );
  const trial = await beginTrial(edge);
  const place = { url: edge.url, tlsUrl: edge.tlsUrl, ca: authority.caPem };
  await loadTrial(trial, {
    lastsMs: minutes * 60_000,
    seed,
    say,
    load: (soak) => runLoad(soak, place, seed),
  });
  origin.rest();
  const checks = await checksOf(trial, [
    ["every outcome was seen", unseen("HIT", "MISS", "REVALIDATED", "BYPASS")],
    ["every worker answers, in every protocol", () => answers(place)],
  ]);
  report(trial, say);
  return checks;
}

/** Connections enough to reach every worker in every protocol. */
async function answers({ url, tlsUrl, ca }: Place): Promise<string | undefined> {
  const path = "/hit/last-1000";
  const expected = contentOf(path).bytes.toString("latin1");
  for (let i = 0; i < 10; i += 1) {
    for (const ask of [ASK["HTTP/1.1"], ASK["HTTP/2"]]) {
      for (const base of [url, tlsUrl]) {
        const { text } = await ask(base + path, { ca });
        if (text !== expected) return `another body from ${base}`;
      }
    }
  }
  return undefined;
}

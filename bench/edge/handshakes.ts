import { type Bench, startServers } from "./bench.ts";
import { caseNamed } from "./case.ts";
import { CIPHER } from "./certificate.ts";
import { runClient } from "./client.ts";
import { inTurn } from "./in-turn.ts";
import { warm } from "./probe.ts";
import { cpuMeter } from "./process-tree.ts";
import { Rounds } from "./rounds.ts";
import type { Server } from "./server.ts";
import { comparison, thousands } from "./table.ts";

const CASE = caseNamed("tls-1k");
const KINDS = ["full", "resumed"] as const;
type Kind = (typeof KINDS)[number];
const WARM_UP_SECONDS = 1;

/** TLS 1.3 handshakes per server CPU-second: X25519, ECDSA P-256, no request in them. */
export async function handshakes(bench: Bench): Promise<string> {
  await using stack = new AsyncDisposableStack();
  const { options, setting, subject, names } = bench;
  const servers = await startServers(bench, stack);
  const rounds = new Rounds();
  for (const kind of KINDS) {
    await inTurn(bench, {
      what: `handshakes, ${kind}`,
      servers,
      protocol: CASE.protocol,
      warmUp: async (server) => {
        await warm(server, CASE, { certificate: setting.certificate, objects: 1 });
        await perCpuSecond(bench, server, { kind, seconds: WARM_UP_SECONDS });
      },
      measure: (server) => perCpuSecond(bench, server, { kind, seconds: options.seconds }),
      record: (value, { server, round }) => {
        rounds.add(kind, server, { round, value });
        return `${thousands(value)} a CPU-second`;
      },
    });
  }
  const title = "TLS 1.3 handshakes per CPU-second";
  return comparison(rounds, { title, servers: names, subject, show: thousands });
}

async function perCpuSecond(
  { setting }: Bench,
  server: Server,
  { kind, seconds }: { readonly kind: Kind; readonly seconds: number },
): Promise<number> {
  const args = [server.tlsPort, setting.certificate.certPath, CIPHER, kind, seconds];
  const cpuSeconds = cpuMeter(server.pid);
  const seen = await runClient<{ readonly handshakes: number }>("handshakes", args, {
    seconds,
    setting,
  });
  return seen.handshakes / cpuSeconds();
}

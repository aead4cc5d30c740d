import { X509Certificate } from "node:crypto";
import { monotonicClock, systemClock } from "#clock.ts";
import { type EdgeCertificate, EVERY_NAME } from "#feed/entry.ts";
import { FeedHub } from "#feed/hub.ts";
import { Fleet } from "#fleet/fleet.ts";
import { reservePorts } from "#listen.ts";
import { createLogger } from "#log.ts";
import { EdgeUsage } from "#usage/edge-usage.ts";
import type { Pair } from "./certificates.ts";

export interface FleetOptions {
  /** Base URL. */
  readonly origin: string;
  readonly certificate: Pair;
}

/** Two real workers whose parent is the test itself. */
export interface StartedFleet extends AsyncDisposable {
  readonly tlsUrl: string;
  /** Resolves when every worker has it in force. */
  replaceCertificate(pair: Pair): Promise<void>;
}

const HOST = "127.0.0.1";

export async function startFleet({ origin, certificate }: FleetOptions): Promise<StartedFleet> {
  await using stack = new AsyncDisposableStack();
  const hub = new FeedHub(monotonicClock);
  const [port, tlsPort] = await reservePorts([
    { host: HOST, port: 0, variable: "" },
    { host: HOST, port: 0, variable: "" },
  ]);
  const endpoint = { id: "edge", role: "proxy", space: "", region: "", domain: "" } as const;
  const fleet = stack.use(
    new Fleet({
      hub,
      usage: new EdgeUsage(),
      snapshot: async function* snapshot() {
        const endpoints = [{ ...endpoint, upstream: { url: origin } }];
        const certificates = [edgeCertificate(certificate)];
        yield { kind: "part", endpoints, purges: [], certificates, challenges: [] };
        yield { kind: "end", number: 1 };
      },
      settings: {
        host: HOST,
        port,
        tls: { port: tlsPort },
        priorKnowledge: true,
        sharePort: true,
        memoryBytesMax: 64 * 1024 * 1024,
        loopToken: "atoll-test",
        embedded: { port: 0, secret: "" },
        logLevel: "silent",
      },
      workers: 2,
      clock: systemClock,
      log: createLogger("silent"),
    }),
  );
  await fleet.start();
  let number = 1;
  const owned = stack.move();
  return {
    tlsUrl: `https://${HOST}:${tlsPort}`,
    replaceCertificate: async (pair) => {
      number += 1;
      hub.publish([{ number, kind: "certificate-put", certificate: edgeCertificate(pair) }]);
      await hub.settled(number);
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function edgeCertificate({ cert, key }: Pair): EdgeCertificate {
  const notAfter = new X509Certificate(cert).validToDate.getTime();
  return { id: "edge", names: [EVERY_NAME], certPem: cert, keyPem: key, notAfter };
}

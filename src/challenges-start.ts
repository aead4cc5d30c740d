import { type ChallengeAnswers, StoredAnswers } from "#acme/answers.ts";
import { startResponder } from "#acme/dns/responder.ts";
import type { FeedHub } from "#feed/hub.ts";
import { tlsAlpnCertificate } from "#x509/tls-alpn.ts";
import { monotonicClock, systemClock } from "./clock.ts";
import type { Config } from "./config.ts";
import { daily } from "./daily.ts";
import type { DataFolder } from "./data-folder.ts";
import { authorityOf } from "./listeners.ts";
import type { Logger } from "./log.ts";
import { sealUnder } from "./seal.ts";
import type { Storage } from "./storage.ts";
import type { Together } from "./together.ts";

/** What challenges are answered with. */
export interface ChallengesStartParts {
  readonly config: Config;
  readonly log: Logger;
  readonly folder: DataFolder;
  readonly storage: Storage;
  readonly hub: FeedHub;
}

interface ChallengesLifetimes {
  readonly stack: AsyncDisposableStack;
  readonly listeners: Together;
}

/** Who answers a CA, and where it is asked by DNS. */
export interface StartedChallenges {
  readonly answers: ChallengeAnswers;
  /** Host and port. */
  readonly dns: string;
}

/** Before the edge: what a crash has left is removed, and what is answered is in its first snapshot. */
export async function startChallenges(
  { config, log, folder, storage, hub }: ChallengesStartParts,
  { stack, listeners }: ChallengesLifetimes,
): Promise<StartedChallenges> {
  const answers = await StoredAnswers.open({
    store: storage.challenges,
    seal: sealUnder(folder.masterKey),
    settled: (number) => hub.settled(number),
    alpnCertificate: async (name, keyAuthorization) => {
      const { cert, key } = await tlsAlpnCertificate(name, keyAuthorization, systemClock.now());
      return { certPem: cert, keyPem: key };
    },
    clock: systemClock,
    log,
  });
  stack.use(daily(() => answers.forgetOld(), "challenges not looked at", log));
  const { host, dns } = config;
  const responder = listeners.use(
    await startResponder({
      address: { host, port: dns.port, variable: "ATOLL_DNS_PORT" },
      authority: () => ({
        zone: dns.zone,
        nameServer: dns.name,
        serial: serialAt(systemClock.now()),
        valuesOf: (name) => answers.valuesOf(name),
        hasBelow: (name) => answers.hasBelow(name),
      }),
      clock: monotonicClock,
      log,
    }),
  );
  return { answers, dns: authorityOf(host, responder.port) };
}

/** RFC 1982: 32 bits that only grow, as seconds do. */
function serialAt(now: number): number {
  return Math.floor(now / 1_000) % 2 ** 32;
}

import { readFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import type { ChallengeAnswers } from "#acme/answers.ts";
import { acmeClient } from "#acme/client.ts";
import type { Endpoint } from "#cdn/endpoint.ts";
import { acmeIssuer } from "#certificate/acme-issuer.ts";
import type { SelfCheck } from "#certificate/authorize.ts";
import { CertificateService } from "#certificate/certificate-service.ts";
import type { Issuer } from "#certificate/issuer.ts";
import { CertificateKeeper } from "#certificate/keeper.ts";
import type { LocalCa } from "#certificate/local-ca.ts";
import { localIssuer } from "#certificate/local-issuer.ts";
import { LOCAL } from "#certificate/renewal.ts";
import { wildcardRefusal } from "#certificate/wildcard-refusal.ts";
import { selfCheck } from "#certificate/world-check.ts";
import type { FeedHub } from "#feed/hub.ts";
import type { CertificateUse } from "#usage/certificate-families.ts";
import { certificateId } from "#x509/certificate-id.ts";
import { certificateRequest, newCertificateKey } from "#x509/csr.ts";
import { systemClock } from "./clock.ts";
import type { Config } from "./config.ts";
import { daily } from "./daily.ts";
import type { DataFolder } from "./data-folder.ts";
import type { Logger } from "./log.ts";
import type { PlatformCertificates } from "./platform-certificates.ts";
import { sealUnder } from "./seal.ts";
import type { Storage } from "./storage.ts";

/** What certificates are obtained, kept and served with. */
export interface CertificatesStartParts {
  readonly config: Config;
  readonly log: Logger;
  readonly folder: DataFolder;
  readonly storage: Storage;
  readonly hub: FeedHub;
  readonly ca: LocalCa;
  readonly answers: ChallengeAnswers;
  readonly platformCertificates: PlatformCertificates;
}

/** The accounts' certificates. */
export interface StartedCertificates {
  readonly service: CertificateService;
  /** Begins with what an endpoint needs now. */
  readonly onEndpoint: (endpoint: Endpoint) => void;
  readonly use: () => CertificateUse;
}

/** Obtains what is due from here on, and goes on with what was begun in an earlier life. */
export async function startCertificates(
  parts: CertificatesStartParts,
  stack: AsyncDisposableStack,
): Promise<StartedCertificates> {
  const { config, log, folder, storage, hub } = parts;
  const seal = sealUnder(folder.masterKey);
  const stop = new AbortController();
  const check = selfCheck({ ...config.acme, ...config.dns });
  const keeper = stack.use(
    new CertificateKeeper({
      jobs: storage.certificateJobs,
      issuer: await openIssuer(parts, check, stop.signal),
      seal,
      settled: (number) => hub.settled(number),
      clock: systemClock,
      random: Math.random,
      log,
      stop,
    }),
  );
  const onDue = (): void => keeper.look();
  const service = new CertificateService({
    store: storage.accountCertificates,
    jobs: storage.certificateJobs,
    seal,
    clock: systemClock,
    onDue,
    refusal:
      config.acme.directory === LOCAL
        ? async () => undefined
        : (names) => wildcardRefusal(names, check, config.dns),
  });
  keeper.look();
  const { platformCertificates } = parts;
  const failure = "platform certificates not looked at";
  const refresh = (): Promise<void> =>
    platformCertificates.refresh(check).then(onDue, (error: unknown) => {
      // At the end there is no storage any more, and the next start looks again.
      if (!stop.signal.aborted) log.error({ err: error }, failure);
    });
  // Daily, too: DNS may have been set up meanwhile, and endpoints come and go.
  stack.use(daily(refresh, failure, log));
  void refresh();
  return {
    service,
    onEndpoint: ({ origin }) => {
      if (platformCertificates.has(origin.domain)) void refresh();
      else onDue();
    },
    use: () => useOf(storage, keeper),
  };
}

/** @throws Error when a file that the configuration names cannot be used */
async function openIssuer(
  { config, log, folder, storage, ca, answers }: CertificatesStartParts,
  check: SelfCheck,
  signal: AbortSignal,
): Promise<Issuer> {
  const { directory, caFile, email, externalAccount, profile } = config.acme;
  if (directory === LOCAL) return localIssuer(ca);
  const client = acmeClient({
    directory,
    keys: storage.accountKeys(sealUnder(folder.masterKey)),
    email,
    externalAccount: externalAccount && {
      kid: externalAccount.kid,
      hmacKey: await readHmacKey(externalAccount.hmacFile),
    },
    caPem: caFile === undefined ? undefined : await readSetting(caFile, "ATOLL_ACME_CA_FILE"),
    clock: systemClock,
    signal,
    log,
    certificateId,
  });
  return acmeIssuer({
    client,
    answers,
    check,
    clock: systemClock,
    pause: (ms) => delay(ms, undefined, { signal }),
    ...(profile === undefined ? {} : { profile }),
    newKey: newCertificateKey,
    request: certificateRequest,
  });
}

/** RFC 8555 §7.3.4: as the CA gave it, in base64url; that some pad it does no harm. */
async function readHmacKey(path: string): Promise<Buffer> {
  const variable = "ATOLL_ACME_EAB_HMAC_FILE";
  const text = (await readSetting(path, variable)).replace(/={1,2}$/, "");
  // Four characters are three octets: one that is left over is none.
  if (/^[\w-]+$/.test(text) && text.length % 4 !== 1) return Buffer.from(text, "base64url");
  throw new Error(`Cannot start:\n  ${variable}: ${path} does not hold a key in base64url`);
}

/** Never a piece of the file in the message: it may hold a secret. */
async function readSetting(path: string, variable: string): Promise<string> {
  try {
    return (await readFile(path, "utf8")).trim();
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new Error(`Cannot start:\n  ${variable}: ${path} cannot be read (${code})`, { cause });
  }
}

function useOf({ accountCertificates }: Storage, { counts }: CertificateKeeper): CertificateUse {
  const { states, soonestEnd } = accountCertificates.counts();
  return {
    states,
    ...counts,
    ...(soonestEnd === undefined
      ? {}
      : { soonestEndSeconds: Math.round((soonestEnd - systemClock.now()) / 1_000) }),
  };
}

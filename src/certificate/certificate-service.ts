import { randomUUID } from "node:crypto";
import type { Listed } from "#api/page.ts";
import type { Clock } from "#clock.ts";
import { notFound, Problem } from "#problem.ts";
import type { Seal } from "#seal.ts";
import type {
  Certificate,
  CertificateEvent,
  CertificateFilter,
  CertificateStore,
} from "./certificate.ts";
import { type CustomMembers, checkCustom } from "./custom.ts";
import { parseDnsNames } from "./dns-names.ts";
import type { Job, JobStore } from "./job.ts";
import { CERTIFICATES_PER_ACCOUNT_MAX } from "./limits.ts";
import { keyPurpose } from "./serving.ts";

/** What the rules of certificates are given. */
export interface CertificateServiceParts {
  readonly store: CertificateStore;
  readonly jobs: JobStore;
  readonly seal: Seal;
  readonly clock: Clock;
  /** Something is to be done: it is begun with at once. */
  readonly onDue: () => void;
  /** Why no certificate can be obtained for these names here, whatever is tried; else undefined. */
  readonly refusal: (names: readonly string[]) => Promise<string | undefined>;
}

/** A certificate's story, and how it goes on. */
export interface Story {
  readonly events: readonly CertificateEvent[];
  /** Of a managed one. */
  readonly job?: Job;
}

/** The rules of CONTRACT §3. */
export class CertificateService {
  readonly #parts: CertificateServiceParts;

  constructor(parts: CertificateServiceParts) {
    this.#parts = parts;
  }

  find(accountId: number, id: string): Certificate | undefined {
    return this.#parts.store.find(accountId, id);
  }

  page(
    accountId: number,
    filter: CertificateFilter,
    offset: number,
    limit: number,
  ): Listed<Certificate> {
    return this.#parts.store.page(accountId, filter, offset, limit);
  }

  /** @throws Problem("unprocessable_entity") that names the member, or says that the name is taken */
  async upload(accountId: number, name: string, members: CustomMembers): Promise<Certificate> {
    const { seal, clock } = this.#parts;
    const now = clock.now();
    const checked = checkCustom(members, now);
    if (checked.kind === "refused") throw invalid(`${checked.member}: ${checked.reason}`);
    const id = randomUUID();
    const { dnsNames, issued } = checked;
    const certificate: Certificate = {
      id,
      accountId,
      name,
      type: "custom",
      dnsNames,
      state: "verified",
      createdAt: now,
      issued,
    };
    await this.#create(certificate, seal.seal(checked.key, keyPurpose(id)));
    return certificate;
  }

  /** It is obtained after this has returned. @throws Problem("unprocessable_entity") likewise */
  async obtain(accountId: number, name: string, names: readonly string[]): Promise<Certificate> {
    const { clock, refusal, onDue } = this.#parts;
    const parsed = parseDnsNames(names);
    if (parsed.kind === "invalid") throw invalid(`dns_names: ${parsed.reason}`);
    const why = await refusal(parsed.names);
    if (why !== undefined) throw invalid(`dns_names: ${why}`);
    const certificate: Certificate = {
      id: randomUUID(),
      accountId,
      name,
      type: "lets_encrypt",
      dnsNames: parsed.names,
      state: "pending",
      createdAt: clock.now(),
    };
    await this.#create(certificate);
    onDue();
    return certificate;
  }

  async delete({ accountId, id }: Certificate): Promise<void> {
    const { store, onDue } = this.#parts;
    const deleted = await store.delete(accountId, id);
    // It was there when the door looked: somebody deleted it in between.
    if (deleted === "missing") throw notFound();
    if (deleted === "in-use") {
      // CONTRACT §3: Terraform looks for these words, and tries again.
      throw new Problem("forbidden", "Make sure the certificate is not in use before deleting it");
    }
    // An order that it had is to be given up.
    onDue();
  }

  story({ id }: Certificate): Story {
    const job = this.#parts.jobs.find(id);
    return { events: this.#parts.store.events(id), ...(job === undefined ? {} : { job }) };
  }

  /** Begins anew with what has failed, or waits for its next try. */
  async retry({ accountId, id }: Certificate): Promise<Certificate> {
    const { jobs, clock, store, onDue } = this.#parts;
    const job = jobs.find(id);
    if (job === undefined) {
      throw invalid("only managed certificates can be tried again: this one was uploaded");
    }
    const { state } = job.certificate;
    if (state === "verified" && job.failures === 0) {
      throw new Problem("conflict", "The certificate is verified, and nothing has failed since.");
    }
    // Its order may be what the CA refuses.
    const { failingSince: _, order: __, ...kept } = job;
    const saved = await jobs.save(
      id,
      { ...kept, failures: 0, dueAt: clock.now() },
      {
        happened: { kind: "retry", message: "asked for" },
        ...(state === "error" ? { state: "pending" } : {}),
      },
    );
    const certificate = store.find(accountId, id);
    if (saved === "gone" || certificate === undefined) throw notFound();
    onDue();
    return certificate;
  }

  async #create(certificate: Certificate, sealedKey?: Uint8Array): Promise<void> {
    const created = await this.#parts.store.create(certificate, sealedKey);
    if (created === "name-taken") {
      throw invalid(`name: the account already has a certificate of this name`);
    }
    if (created === "too-many") {
      throw invalid(`an account may have ${CERTIFICATES_PER_ACCOUNT_MAX} certificates`);
    }
  }
}

function invalid(message: string): Problem {
  return new Problem("unprocessable_entity", message);
}

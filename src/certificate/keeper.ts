import { X509Certificate } from "node:crypto";
import type { Clock } from "#clock.ts";
import type { Logger } from "#log.ts";
import type { Seal } from "#seal.ts";
import { timeText } from "#time-text.ts";
import { unreachable } from "#unreachable.ts";
import { AbandonedOrders } from "./abandoned-orders.ts";
import type { IssuedWithKey } from "./certificate.ts";
import { describeIssued } from "./custom.ts";
import { decideAfterFailure } from "./failure.ts";
import type { Attempted, BegunOrder, CaWindow, Issuer } from "./issuer.ts";
import { type Happened, type Job, type JobStore, nextKeyPurpose, type OpenOrder } from "./job.ts";
import { JOBS_AT_ONCE_MAX } from "./limits.ts";
import { type JobStep, nextStep } from "./next-step.ts";
import { decideRenewal, suggestedRenewal } from "./renewal.ts";
import { keyPurpose } from "./serving.ts";

export interface KeeperParts {
  readonly jobs: JobStore;
  readonly issuer: Issuer;
  readonly seal: Seal;
  /** Resolves when a change is in force at every live edge. */
  readonly settled: (number: number) => Promise<void>;
  readonly clock: Clock;
  /** Of [0, 1). */
  readonly random: () => number;
  readonly log: Logger;
  /** Aborted by the keeper at its end: what the issuer waits for ends with it. */
  readonly stop: AbortController;
}

/** What it has done since it began. */
export interface KeeperCounts {
  readonly issued: number;
  readonly renewed: number;
  readonly failed: number;
}

/** A clock may be set, and a machine may sleep: it looks at least this often. */
const LOOK_EVERY_MS = 60_000;

/** However soon a CA wants to be asked again. */
const ASK_AGAIN_MS_MIN = 60_000;

/** Asked again after this, where a CA suggests nothing or did not answer. */
const ASK_AGAIN_MS = 6 * 3_600_000;

/**
 * Obtains and renews managed certificates: it looks at what is due, and works on some of it at a
 * time, on each certificate once at a time. What it has begun goes on after a crash, since every step
 * is kept before it is taken.
 */
export class CertificateKeeper implements AsyncDisposable {
  readonly #parts: KeeperParts;
  readonly #running = new Map<string, Promise<void>>();
  /** Until when those are let be whose work could not be noted: they are still due. */
  readonly #held = new Map<string, number>();
  readonly #abandoned: AbandonedOrders;
  readonly #counts = { issued: 0, renewed: 0, failed: 0 };
  #timer: NodeJS.Timeout | undefined;
  #ended = false;

  constructor(parts: KeeperParts) {
    this.#parts = parts;
    this.#abandoned = new AbandonedOrders({ ...parts, signal: parts.stop.signal });
  }

  get counts(): KeeperCounts {
    return { ...this.#counts };
  }

  /** Begins with what is due, and comes back for what will be. */
  look(): void {
    if (this.#ended) return;
    clearTimeout(this.#timer);
    this.#abandoned.look();
    const { jobs, clock } = this.#parts;
    const now = clock.now();
    for (const [id, until] of this.#held) if (until <= now) this.#held.delete(id);
    // Those that are under way, or held, are still due.
    const others = this.#running.size + this.#held.size;
    for (const job of jobs.due(now, JOBS_AT_ONCE_MAX + others)) {
      if (this.#running.size >= JOBS_AT_ONCE_MAX) break;
      const { id } = job.certificate;
      if (!this.#running.has(id) && !this.#held.has(id)) this.#begin(job);
    }
    const wait = (jobs.nextDue() ?? Infinity) - now;
    // What is due and waits for its turn has it when another one ends.
    const until = wait > 0 ? Math.min(wait, LOOK_EVERY_MS) : LOOK_EVERY_MS;
    this.#timer = setTimeout(() => this.look(), until);
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running.values());
    await this.#abandoned.idle();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended = true;
    clearTimeout(this.#timer);
    this.#parts.stop.abort();
    await this.idle();
  }

  #begin(job: Job): void {
    const { id } = job.certificate;
    const work = this.#work(job)
      .catch((error: unknown) => {
        // Not even its failure could be noted: the disk is full, say. A CA would be asked again and again.
        this.#held.set(id, this.#parts.clock.now() + LOOK_EVERY_MS);
        this.#parts.log.error({ err: error, certificate_id: id }, "certificate not worked on");
      })
      .finally(() => {
        this.#running.delete(id);
        this.look();
      });
    this.#running.set(id, work);
  }

  async #work(job: Job): Promise<void> {
    const { jobs, issuer, clock } = this.#parts;
    const step = nextStep(job, issuer.name, clock.now());
    switch (step.kind) {
      case "rest":
        await jobs.save(job.certificate.id, rested(job, step.until));
        return;
      case "ask":
        await this.#ask(job);
        return;
      case "obtain":
        await this.#obtain(job, step.reason);
        return;
      default:
        return unreachable(step);
    }
  }

  /** The answer is kept until the CA may be asked again; it is due at once for what follows of it. */
  async #ask(job: Job): Promise<void> {
    const { jobs, issuer, clock, random, log } = this.#parts;
    const { id, issued } = job.certificate;
    if (issued === undefined) return;
    const window = await issuer.window(issued.chain).catch((error: unknown) => {
      log.warn({ err: error, certificate_id: id }, "renewal window not known");
      return undefined;
    });
    const now = clock.now();
    const before = job.renewal;
    const renewal =
      window === undefined
        ? { ...before, askAt: now + ASK_AGAIN_MS }
        : suggestedRenewal(atLeastLater(window, now), before, random());
    const isNew = "renewAt" in renewal && renewal.renewAt !== (before as typeof renewal)?.renewAt;
    await jobs.save(
      id,
      { ...job, renewal, dueAt: now },
      isNew
        ? { happened: { kind: "window", message: `renewal on ${timeText(renewal.renewAt)}` } }
        : {},
    );
  }

  async #obtain(job: Job, reason: (JobStep & { kind: "obtain" })["reason"]): Promise<void> {
    const { id, dnsNames, issued, name } = job.certificate;
    const { jobs, issuer, seal } = this.#parts;
    const order = job.order?.issuer === issuer.name ? job.order : undefined;
    let kept: OpenOrder | undefined = order;
    const progress = () => withOrder(job, kept);
    let attempted: Attempted;
    try {
      attempted = await issuer.obtain({
        names: dnsNames,
        rotation: job.rotation,
        ...(issued?.issuer === issuer.name ? { replaces: issued.chain } : {}),
        ...(order === undefined ? {} : { order: opened(order, id, seal) }),
        keep: async (next) => {
          kept = next === undefined ? undefined : sealedOrder(next, id, issuer.name, seal);
          const saved = await jobs.save(id, progress());
          if (saved === "gone" && kept !== undefined) void this.#abandoned.tell(kept.url);
        },
        note: async (happened) => {
          await jobs.save(id, progress(), { happened });
        },
      });
    } catch (error) {
      if (this.#ended) return; // Its order is kept, and the next start goes on with it.
      this.#parts.log.error({ err: error, certificate_id: id }, "certificate not obtained");
      const { message } = error as Error;
      attempted = { kind: "failed", failure: { message, permanent: false }, rotate: false };
    }
    if (this.#ended && attempted.kind === "failed") return;
    if (attempted.kind === "failed") return this.#failed(progress(), attempted);
    await this.#issued(progress(), attempted);
    this.#counts[reason === "first" ? "issued" : "renewed"] += 1;
    this.#parts.log.info(
      { certificate_id: id, name, names: dnsNames, reason },
      "certificate issued",
    );
  }

  async #issued(job: Job, { chain, key }: Attempted & { kind: "issued" }): Promise<void> {
    const { jobs, issuer, seal, settled, clock } = this.#parts;
    const { id } = job.certificate;
    const issued: IssuedWithKey = {
      ...describeIssued(new X509Certificate(chain), chain),
      issuer: issuer.name,
      sealedKey: seal.seal(key, keyPurpose(id)),
    };
    const next = decideRenewal(issued, undefined, issuer.name, clock.now());
    const done = await jobs.issued(
      id,
      issued,
      {
        failures: 0,
        rotation: job.rotation,
        dueAt: next.kind === "keep" ? next.until : clock.now() + LOOK_EVERY_MS,
      },
      { kind: "issued", message: `by ${issuer.name}, until ${timeText(issued.notAfter)}` },
    );
    if (done !== "gone" && done.number !== undefined) await settled(done.number);
  }

  async #failed(job: Job, { failure, rotate }: Attempted & { kind: "failed" }): Promise<void> {
    const { jobs, clock, random, log } = this.#parts;
    const { id, issued, name } = job.certificate;
    const now = clock.now();
    const after = decideAfterFailure(failure, job, issued?.notAfter, now, random());
    const { dueAt: _, ...rest } = job;
    const happened: Happened =
      after.kind === "again"
        ? { kind: "failed", message: `${failure.message}; again on ${timeText(after.at)}` }
        : { kind: "given-up", message: failure.message };
    const saved = await jobs.save(
      id,
      {
        ...rest,
        failures: job.failures + 1,
        failingSince: job.failingSince ?? now,
        rotation: job.rotation + (rotate ? 1 : 0),
        ...(after.kind === "again" ? { dueAt: after.at } : {}),
      },
      { happened, ...(after.kind === "give-up" ? { state: "error" } : {}) },
    );
    if (saved === "gone") return;
    this.#counts.failed += 1;
    log.warn(
      { certificate_id: id, name, reason: failure.message, after: after.kind },
      "certificate failed",
    );
  }
}

function atLeastLater(window: CaWindow, now: number): CaWindow {
  return { ...window, retryAt: Math.max(window.retryAt, now + ASK_AGAIN_MS_MIN) };
}

function rested(job: Job, until: number | undefined): Job {
  const { dueAt: _, ...rest } = job;
  return until === undefined ? rest : { ...rest, dueAt: until };
}

function withOrder(job: Job, order: OpenOrder | undefined): Job {
  const { order: _, ...rest } = job;
  return order === undefined ? rest : { ...rest, order };
}

function opened({ url, sealedKey }: OpenOrder, id: string, seal: Seal): BegunOrder {
  return { url, key: seal.open(sealedKey, nextKeyPurpose(id)) };
}

function sealedOrder(order: BegunOrder, id: string, issuer: string, seal: Seal): OpenOrder {
  return { issuer, url: order.url, sealedKey: seal.seal(order.key, nextKeyPurpose(id)) };
}

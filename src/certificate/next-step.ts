import { unreachable } from "#unreachable.ts";
import type { Job } from "./job.ts";
import { decideRenewal } from "./renewal.ts";

export type JobStep =
  /** Obtain a certificate, and why. */
  | { readonly kind: "obtain"; readonly reason: "first" | "due" | "window" | "issuer" }
  /** Ask the CA when it would like to renew. */
  | { readonly kind: "ask" }
  /** Absent: until somebody asks. */
  | { readonly kind: "rest"; readonly until?: number };

/** What is done next for a certificate, at a moment when nothing is under way for it. */
export function nextStep(job: Job, issuer: string, now: number): JobStep {
  const { issued, state } = job.certificate;
  if (state === "error") return { kind: "rest" };
  // What has failed waits for its turn, whatever else is due.
  if (job.failures > 0 && job.dueAt !== undefined && job.dueAt > now) {
    return { kind: "rest", until: job.dueAt };
  }
  if (issued === undefined || state === "pending") return { kind: "obtain", reason: "first" };
  const renewal = decideRenewal(issued, job.renewal, issuer, now);
  switch (renewal.kind) {
    case "renew":
      return { kind: "obtain", reason: renewal.reason };
    case "ask":
      return { kind: "ask" };
    case "keep":
      return { kind: "rest", until: renewal.until };
    default:
      return unreachable(renewal);
  }
}

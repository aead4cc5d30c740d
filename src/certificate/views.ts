import { z } from "zod";
import { timeText } from "#time-text.ts";
import type { Certificate } from "./certificate.ts";
import type { Story } from "./certificate-service.ts";

/** As CONTRACT §3 calls them. */
export const CERTIFICATE_TYPES = ["custom", "lets_encrypt"] as const;

/** A certificate as every route shows it. */
export const CertificateView = z.object({
  id: z.uuid(),
  name: z.string(),
  // These two are there once it was issued.
  not_after: z.iso.datetime().optional(),
  sha1_fingerprint: z.string().optional(),
  created_at: z.iso.datetime(),
  dns_names: z.array(z.string()),
  state: z.literal(["pending", "verified", "error"]),
  type: z.literal(CERTIFICATE_TYPES),
});
export const CertificateReply = z.object({ certificate: CertificateView });

/** Its story, and how it goes on. */
export const StoryReply = z.object({
  events: z.array(
    z.object({ kind: z.string(), message: z.string(), created_at: z.iso.datetime() }),
  ),
  /** Of a managed one. */
  failures: z.int().min(0).optional(),
  next_attempt_at: z.iso.datetime().optional(),
});

/** The one mapper from our names to the wire's. */
export function certificateView(certificate: Certificate): z.input<typeof CertificateView> {
  const { issued } = certificate;
  return {
    id: certificate.id,
    name: certificate.name,
    ...(issued === undefined
      ? {}
      : { not_after: timeText(issued.notAfter), sha1_fingerprint: issued.sha1 }),
    created_at: timeText(certificate.createdAt),
    dns_names: [...certificate.dnsNames],
    state: certificate.state,
    type: certificate.type,
  };
}

export function storyView({ events, job }: Story): z.input<typeof StoryReply> {
  return {
    events: events.map(({ kind, message, at }) => ({ kind, message, created_at: timeText(at) })),
    ...(job === undefined ? {} : { failures: job.failures }),
    ...(job?.dueAt === undefined ? {} : { next_attempt_at: timeText(job.dueAt) }),
  };
}

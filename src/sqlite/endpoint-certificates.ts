import { randomUUID } from "node:crypto";
import type { DatabaseSync } from "node:sqlite";
import { type CertificateMisfit, type Endpoint, OWN_CERTIFICATE } from "#cdn/endpoint.ts";
import { covers } from "#certificate/dns-names.ts";
import { type AccountCertificates, accountCertificates } from "./account-certificates.ts";
import type { WriteContext } from "./feed-log.ts";

/** An endpoint, as far as its certificate cares. */
type Attachment = Pick<Endpoint, "accountId" | "customDomain" | "certificateId">;

/** What becomes of certificates when endpoints come, change and go, in the same transaction. */
export interface EndpointCertificates {
  /** Why the endpoint cannot have the certificate that it names, if so. */
  misfit(endpoint: Attachment): CertificateMisfit | undefined;
  /** Begins to serve what the endpoint has now, before the edges are told of the endpoint. */
  attach(before: Attachment | undefined, after: Attachment, context: WriteContext): void;
  /** Takes back what it has no more, after that. @returns the last change's number, if any */
  detach(
    before: Attachment,
    after: Attachment | undefined,
    context: WriteContext,
  ): number | undefined;
}

/** For use inside a write: nothing here begins a transaction. */
export function endpointCertificates(db: DatabaseSync): EndpointCertificates {
  const certificates = accountCertificates(db);
  const { sql, insert, remove, serve } = certificates;
  return {
    misfit: ({ accountId, customDomain: domain, certificateId }) => {
      if (certificateId === undefined) return undefined;
      if (domain === undefined) return { reason: "certificate-without-domain" };
      if (certificateId === OWN_CERTIFICATE) return undefined;
      const row = sql("find").get(accountId, certificateId);
      // One that was obtained for an endpoint is that endpoint's.
      if (row === undefined || row["custom_domain"] !== null) {
        return { reason: "certificate-missing" };
      }
      const covered = JSON.parse(String(row["dns_names"])) as string[];
      if (covers(covered, domain)) return undefined;
      return { reason: "certificate-covers-others", domain, covered };
    },
    attach: (before, after, context) => {
      const { accountId, customDomain, certificateId } = after;
      if (customDomain === undefined || certificateId === undefined) return;
      if (certificateId !== OWN_CERTIFICATE) {
        serve(certificateId, context);
        return;
      }
      if (isSame(before, after)) return;
      // Of a domain that changes hands, the other endpoint has taken its own away.
      insert(
        {
          id: randomUUID(),
          accountId,
          name: customDomain,
          customDomain,
          type: "lets_encrypt",
          dnsNames: [customDomain],
          state: "pending",
          createdAt: context.now,
        },
        undefined,
        context,
      );
    },
    detach: (before, after, context) => {
      const { certificateId } = before;
      if (certificateId === undefined || isSame(before, after)) return undefined;
      if (certificateId !== OWN_CERTIFICATE) return serve(certificateId, context);
      const own = ownId(certificates, before.customDomain);
      return own === undefined ? undefined : remove(own, context);
    },
  };
}

function isSame(before: Attachment | undefined, after: Attachment | undefined): boolean {
  return (
    before?.certificateId === after?.certificateId && before?.customDomain === after?.customDomain
  );
}

function ownId({ sql }: AccountCertificates, domain: string | undefined): string | undefined {
  const row = domain === undefined ? undefined : sql("byCustomDomain").get(domain);
  return row === undefined ? undefined : String(row["id"]);
}

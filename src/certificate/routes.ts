import { z } from "zod";
import { listPage, PageLinks, PageMeta, PageQuery } from "#api/page.ts";
import { type AnyRoute, type Context, route } from "#api/route.ts";
import { notFound } from "#problem.ts";
import type { Certificate } from "./certificate.ts";
import type { CertificateService } from "./certificate-service.ts";
import {
  CERTIFICATES_LENGTH_MAX,
  DNS_NAMES_MAX,
  KEY_LENGTH_MAX,
  NAME_LENGTH_MAX,
} from "./limits.ts";
import {
  CERTIFICATE_TYPES,
  CertificateReply,
  CertificateView,
  certificateView,
  StoryReply,
  storyView,
} from "./views.ts";

const EXPECTED_NAME = `expected 1 to ${NAME_LENGTH_MAX} characters`;
const pem = (lengthMax: number) =>
  z.string({ error: "expected PEM" }).max(lengthMax, `expected ${lengthMax} characters at most`);
const dnsName = z.string({ error: "expected a domain name" }).max(255, "expected a domain name");

const CreateBody = z.object({
  name: z
    .string({ error: EXPECTED_NAME })
    .min(1, EXPECTED_NAME)
    .max(NAME_LENGTH_MAX, EXPECTED_NAME)
    // Half of a surrogate pair is no text: SQLite would keep something else.
    .regex(/^[^\p{Cc}\p{Cs}]*$/u, "expected no control characters"),
  // CONTRACT §3: absent or empty, the other members tell.
  type: z
    .literal([...CERTIFICATE_TYPES, ""], { error: `expected ${CERTIFICATE_TYPES.join(" or ")}` })
    .default(""),
  private_key: pem(KEY_LENGTH_MAX).default(""),
  leaf_certificate: pem(CERTIFICATES_LENGTH_MAX).default(""),
  certificate_chain: pem(CERTIFICATES_LENGTH_MAX).default(""),
  dns_names: z
    .array(dnsName, { error: "expected a list of domain names" })
    // Some come twice: those that are left are counted later.
    .max(2 * DNS_NAMES_MAX, `expected ${DNS_NAMES_MAX} names at most`)
    .default([]),
});

const ListQuery = PageQuery.extend({
  name: z.string().optional(),
  /** Ours: `true` lists those too that were obtained for endpoints. */
  automatic: z.literal(["true", "false"], { error: "expected true or false" }).default("false"),
});

const IdParams = z.object({ certificate_id: z.string() });
type Find = (context: Context & { readonly params: z.output<typeof IdParams> }) => Certificate;

const COMMON = { tag: "Certificates" } as const;

/** The four operations of CONTRACT §3, and ours beside them. */
export function certificateRoutes(service: CertificateService): readonly AnyRoute[] {
  const find: Find = ({ caller, params }) => {
    const certificate = service.find(caller.accountId, params.certificate_id);
    if (certificate === undefined) throw notFound();
    return certificate;
  };
  return [
    listCertificates(service),
    createCertificate(service),
    getCertificate(find),
    deleteCertificate(service, find),
    listEvents(service, find),
    retryCertificate(service, find),
  ];
}

function listCertificates(service: CertificateService) {
  return route({
    ...COMMON,
    operationId: "certificates_list",
    method: "GET",
    path: "/v2/certificates",
    summary: "List the account's certificates, the oldest first, or the one of a name",
    access: { scope: "certificate:read" },
    status: 200,
    query: ListQuery,
    reply: z.object({ certificates: z.array(CertificateView), links: PageLinks, meta: PageMeta }),
    handle: ({ caller, query, url }) => {
      const { name } = query;
      const filter = {
        // CONTRACT §3: "" is the default, and filters nothing.
        ...(name === undefined || name === "" ? {} : { name }),
        automatic: query.automatic === "true",
      };
      const { rows, ...page } = listPage(url, query, (offset, limit) =>
        service.page(caller.accountId, filter, offset, limit),
      );
      return { certificates: rows.map(certificateView), ...page };
    },
  });
}

function createCertificate(service: CertificateService) {
  return route({
    ...COMMON,
    operationId: "certificates_create",
    method: "POST",
    path: "/v2/certificates",
    summary: "Upload a certificate, or have one obtained and renewed",
    access: { scope: "certificate:create" },
    status: 201,
    body: CreateBody,
    reply: CertificateReply,
    handle: async ({ caller: { accountId }, body }) => {
      const { name, dns_names: names } = body;
      const certificate =
        typeOf(body) === "custom"
          ? await service.upload(accountId, name, body)
          : await service.obtain(accountId, name, names);
      return { certificate: certificateView(certificate) };
    },
  });
}

/** Who says nothing and sends names only wants what names alone can mean. */
function typeOf(body: z.output<typeof CreateBody>): (typeof CERTIFICATE_TYPES)[number] {
  if (body.type !== "") return body.type;
  const hasMaterial = body.private_key !== "" || body.leaf_certificate !== "";
  if (hasMaterial || body.dns_names.length === 0) return "custom";
  return "lets_encrypt";
}

function getCertificate(find: Find) {
  return route({
    ...COMMON,
    operationId: "certificates_get",
    method: "GET",
    path: "/v2/certificates/:certificate_id",
    summary: "Show a certificate",
    access: { scope: "certificate:read" },
    status: 200,
    params: IdParams,
    reply: CertificateReply,
    find,
    handle: ({ found }) => ({ certificate: certificateView(found) }),
  });
}

function deleteCertificate(service: CertificateService, find: Find) {
  return route({
    ...COMMON,
    operationId: "certificates_delete",
    method: "DELETE",
    path: "/v2/certificates/:certificate_id",
    summary: "Delete a certificate that no CDN endpoint uses",
    access: { scope: "certificate:delete" },
    status: 204,
    params: IdParams,
    find,
    handle: ({ found }) => service.delete(found),
  });
}

function listEvents(service: CertificateService, find: Find) {
  return route({
    ...COMMON,
    operationId: "atoll_certificates_events",
    method: "GET",
    path: "/v2/certificates/:certificate_id/events",
    summary: "Tell a certificate's story: attempts, the CA's words, the next try",
    access: { scope: "certificate:read" },
    status: 200,
    params: IdParams,
    reply: StoryReply,
    find,
    handle: ({ found }) => storyView(service.story(found)),
  });
}

function retryCertificate(service: CertificateService, find: Find) {
  return route({
    ...COMMON,
    operationId: "atoll_certificates_retry",
    method: "POST",
    path: "/v2/certificates/:certificate_id/retry",
    summary: "Try again at once to obtain a certificate that could not be obtained",
    access: { scope: "certificate:create" },
    status: 200,
    params: IdParams,
    reply: CertificateReply,
    find,
    handle: async ({ found }) => ({ certificate: certificateView(await service.retry(found)) }),
  });
}

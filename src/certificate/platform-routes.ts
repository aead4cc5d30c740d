import { z } from "zod";
import { listPage, PageLinks, PageMeta, PageQuery } from "#api/page.ts";
import { type AnyRoute, type Context, route } from "#api/route.ts";
import { notFound } from "#problem.ts";
import { type Certificate, PLATFORM_ACCOUNT } from "./certificate.ts";
import type { CertificateService } from "./certificate-service.ts";
import {
  CertificateReply,
  CertificateView,
  certificateView,
  StoryReply,
  storyView,
} from "./views.ts";

const PATH = "/atoll/v1/certificates";
const COMMON = { tag: "Certificates", access: "operator", status: 200 } as const;

const IdParams = z.object({ certificate_id: z.string() });
type Find = (context: Context & { readonly params: z.output<typeof IdParams> }) => Certificate;

/** Those that a CA issues for the platform's own names: no account has them, the operator may look. */
export function platformCertificateRoutes(service: CertificateService): readonly AnyRoute[] {
  const find: Find = ({ params }) => {
    const certificate = service.find(PLATFORM_ACCOUNT, params.certificate_id);
    if (certificate === undefined) throw notFound();
    return certificate;
  };
  return [listOwn(service), listOwnEvents(service, find), retryOwn(service, find)];
}

function listOwn(service: CertificateService) {
  return route({
    ...COMMON,
    operationId: "atoll_platform_certificates_list",
    method: "GET",
    path: PATH,
    summary: "List the certificates of the platform's own names, the oldest first",
    query: PageQuery,
    reply: z.object({ certificates: z.array(CertificateView), links: PageLinks, meta: PageMeta }),
    handle: ({ query, url }) => {
      const { rows, ...page } = listPage(url, query, (offset, limit) =>
        service.page(PLATFORM_ACCOUNT, { automatic: true }, offset, limit),
      );
      return { certificates: rows.map(certificateView), ...page };
    },
  });
}

function listOwnEvents(service: CertificateService, find: Find) {
  return route({
    ...COMMON,
    operationId: "atoll_platform_certificates_events",
    method: "GET",
    path: `${PATH}/:certificate_id/events`,
    summary: "Tell the story of one of them",
    params: IdParams,
    reply: StoryReply,
    find,
    handle: ({ found }) => storyView(service.story(found)),
  });
}

function retryOwn(service: CertificateService, find: Find) {
  return route({
    ...COMMON,
    operationId: "atoll_platform_certificates_retry",
    method: "POST",
    path: `${PATH}/:certificate_id/retry`,
    summary: "Try again at once to obtain one of them",
    params: IdParams,
    reply: CertificateReply,
    find,
    handle: async ({ found }) => ({ certificate: certificateView(await service.retry(found)) }),
  });
}

import { z } from "zod";
import { type AnyRoute, route } from "#api/route.ts";
import type { Explained, ExplainedRequest } from "#feed/explained.ts";
import { notFound } from "#problem.ts";
import type { EndpointService } from "./endpoint-service.ts";
import { parseExplained } from "./explained-request.ts";

/** Port: what the edges would do with a request. They do none of it. */
export interface Explainer {
  /** @throws Problem("too_many_requests") while others are under way */
  explain(request: ExplainedRequest): Promise<Explained>;
}

const Steps = z.array(z.object({ step: z.string(), lines: z.array(z.string()) }));

const ExplanationReply = z.object({
  explanation: z.object({
    decided: Steps,
    workers: z.array(z.object({ slots: z.array(z.int().min(0)), found: Steps })),
    // Workers that did not answer in time.
    missing: z.int().min(0),
  }),
});

const url = z.string({ error: "expected a URL" });
const method = z.string({ error: "expected a method" });
const headers = z.record(z.string(), z.string({ error: "expected a text" }), {
  error: "expected names and values",
});
const ExplainBody = z.object({ url, method: method.optional(), headers: headers.optional() });

/** What would become of a request to one of the account's endpoints, and why: ours. */
export function explainRoute(
  service: Pick<EndpointService, "find">,
  explainer: Explainer,
): AnyRoute {
  return route({
    operationId: "atoll_cdn_explain",
    method: "POST",
    path: "/v2/cdn/explain",
    summary: "Say what would become of a request to an endpoint, and why; nothing is fetched",
    tag: "CDN",
    access: { scope: "cdn:read" },
    status: 200,
    body: ExplainBody,
    reply: ExplanationReply,
    handle: async ({ caller, body }) => {
      const explained = await explainer.explain(parseExplained(body));
      const { endpointId, isPlatform = false } = explained;
      // Whose an endpoint is, only its owner is told; what the platform's names are, everybody knows.
      const isOwn =
        endpointId !== undefined && service.find(caller.accountId, endpointId) !== undefined;
      if (!isOwn && !isPlatform) {
        throw notFound("No CDN endpoint of this account answers on that host.");
      }
      return { explanation: explanationView(explained) };
    },
  });
}

/** The one mapper from our names to the wire's; for the loopback of `atoll edge`, too. */
export function explanationView({
  decided,
  workers,
  missing,
}: Explained): z.input<typeof ExplanationReply>["explanation"] {
  const steps = (of: Explained["decided"]) =>
    of.map(({ step, lines }) => ({ step, lines: [...lines] }));
  const views = workers.map(({ slots, found }) => ({ slots: [...slots], found: steps(found) }));
  return { decided: steps(decided), workers: views, missing };
}

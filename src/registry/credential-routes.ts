import { z } from "zod";
import { type AnyRoute, type Context, route } from "#api/route.ts";
import { type CredentialParts, mintCredential, refuseEscalation } from "./credentials.ts";
import { ONLY, RegistryParams, SEVERAL } from "./family.ts";
import { CREDENTIAL_SECONDS_MAX } from "./limits.ts";
import type { Registry } from "./registry.ts";
import type { RegistryService } from "./registry-service.ts";

const EXPECTED_SECONDS = `expected a number of seconds, 0 (for ever) to ${CREDENTIAL_SECONDS_MAX}`;

const CredentialQuery = z.object({
  read_write: z
    .enum(["true", "false", "1", "0", ""], { error: "expected true or false" })
    .transform((text) => text === "true" || text === "1")
    .pipe(z.boolean())
    .optional(),
  expiry_seconds: z
    .string()
    .regex(/^[0-9]{0,12}$/, EXPECTED_SECONDS)
    .transform(Number)
    .pipe(z.int().max(CREDENTIAL_SECONDS_MAX, EXPECTED_SECONDS))
    .optional(),
});

/** Members of `auths` are hosts. */
const CredentialReply = z.object({
  auths: z.record(z.string(), z.object({ auth: z.string() })),
});

/** A docker config.json for a registry, with a token of its own each time (CONTRACT §4.1). */
export function credentialRoutes(
  service: RegistryService,
  parts: CredentialParts,
): readonly AnyRoute[] {
  const common = {
    method: "GET",
    access: { scope: "registry:read" },
    status: 200,
    query: CredentialQuery,
    reply: CredentialReply,
    summary: "Mint docker's credentials: to pull, or with read_write to push too",
  } as const;
  return [
    route({
      ...common,
      operationId: "registry_get_dockerCredentials",
      path: `${ONLY.base}/docker-credentials`,
      tag: ONLY.tag,
      find: (context) => {
        refuseToPush(context);
        return service.findOnly(context.caller.accountId);
      },
      handle: (input) => mint(parts, input),
    }),
    route({
      ...common,
      operationId: "registries_get_dockerCredentials",
      path: `${SEVERAL.base}/:registry_name/docker-credentials`,
      tag: SEVERAL.tag,
      params: RegistryParams,
      find: (context) => {
        refuseToPush(context);
        return service.find(context.caller.accountId, context.params.registry_name);
      },
      handle: (input) => mint(parts, input),
    }),
  ];
}

/** A scope that is missing comes before a registry that is (CONTRACT §1.5), so here already. */
function refuseToPush({ caller, url }: Context): void {
  // Of several the last counts, here as where it is minted.
  const wish = url.searchParams.getAll("read_write").at(-1);
  const { data } = CredentialQuery.shape.read_write.safeParse(wish);
  refuseEscalation(caller, data === true);
}

interface MintInput extends Context {
  readonly found: Registry;
  readonly query: z.output<typeof CredentialQuery>;
}

/** A token that is nobody else's to keep (RFC 6749 §5.1). */
const FIELDS = { "content-type": "application/json; charset=utf-8", "cache-control": "no-store" };

async function mint(parts: CredentialParts, { caller, found, query, request }: MintInput) {
  // RFC 9110 §9.2.1: HEAD changes nothing. That GET does is DigitalOcean's.
  if (request.method === "HEAD") return new Response(null, { headers: FIELDS });
  const { read_write: readWrite = false, expiry_seconds: seconds = 0 } = query;
  const config = await mintCredential(parts, caller, found, {
    readWrite,
    ...(seconds === 0 ? {} : { seconds }),
  });
  return Response.json(config, { headers: FIELDS });
}

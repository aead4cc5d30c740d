import { z } from "zod";
import { type AnyRoute, type Context, route } from "#api/route.ts";
import { strictMembers } from "#api/strict-members.ts";
import { keyMistake } from "#space/object-head.ts";
import type { Endpoint } from "./endpoint.ts";
import type { EndpointService } from "./endpoint-service.ts";
import {
  HSTS_SECONDS_MAX,
  QUERY_NAME_LENGTH_MAX,
  QUERY_NAMES_MAX,
  URL_SECRET_LENGTH_MAX,
  URL_SECRET_LENGTH_MIN,
  URL_SECRETS_MAX,
} from "./limits.ts";
import type { KeptSettings, SettingsChanges } from "./settings.ts";

const SettingsView = z.object({
  https_redirect: z.boolean(),
  hsts: z
    .object({ max_age: z.int().min(0), include_subdomains: z.boolean(), preload: z.boolean() })
    .nullable(),
  error_page: z.string().nullable(),
  compression: z.boolean(),
  query: z.object({ mode: z.literal(["all", "none", "only"]), names: z.array(z.string()) }),
  // How many: what they are is never shown.
  signed_urls: z.object({ enabled: z.boolean(), secrets: z.int().min(0) }),
});
const SettingsReply = z.object({ settings: SettingsView });

const boolean = z.boolean({ error: "expected true or false" });

const EXPECTED_SECONDS = `expected a number of seconds, 0 to ${HSTS_SECONDS_MAX}`;
const EXPECTED_KEY = "expected a key of the Space";
const EXPECTED_MODE = "expected one of all, none, only";
const EXPECTED_NAMES = `expected a list of at most ${QUERY_NAMES_MAX} names`;
const EXPECTED_NAME =
  `expected a parameter's name: 1 to ${QUERY_NAME_LENGTH_MAX} visible ASCII characters ` +
  "without & = # + %";
const EXPECTED_SECRETS = `expected a list of 1 to ${URL_SECRETS_MAX} secrets`;
const EXPECTED_SECRET = `expected ${URL_SECRET_LENGTH_MIN} to ${URL_SECRET_LENGTH_MAX} visible ASCII characters`;

const queryName = z
  .string({ error: EXPECTED_NAME })
  .max(QUERY_NAME_LENGTH_MAX, EXPECTED_NAME)
  .regex(/^[\x21\x22\x24\x27-\x2a\x2c-\x3c\x3e-\x7e]+$/, EXPECTED_NAME);

// Every message is ours: none may repeat what was sent.
const secret = z
  .string({ error: EXPECTED_SECRET })
  .min(URL_SECRET_LENGTH_MIN, EXPECTED_SECRET)
  .max(URL_SECRET_LENGTH_MAX, EXPECTED_SECRET)
  .regex(/^[\x21-\x7e]*$/, EXPECTED_SECRET);

const SettingsBody = strictMembers({
  https_redirect: boolean.nullish(),
  hsts: strictMembers({
    max_age: z
      .int({ error: EXPECTED_SECONDS })
      .min(0, EXPECTED_SECONDS)
      .max(HSTS_SECONDS_MAX, EXPECTED_SECONDS)
      .optional(),
    include_subdomains: boolean.optional(),
    preload: boolean.optional(),
  }).nullish(),
  error_page: z
    .string({ error: EXPECTED_KEY })
    .refine((key) => keyMistake(key) === undefined, {
      error: ({ input }) => keyMistake(String(input)) ?? EXPECTED_KEY,
    })
    .nullish(),
  compression: boolean.nullish(),
  query: strictMembers({
    mode: z.literal(["all", "none", "only"], { error: EXPECTED_MODE }).optional(),
    names: z
      .array(queryName, { error: EXPECTED_NAMES })
      .max(QUERY_NAMES_MAX, EXPECTED_NAMES)
      .optional(),
  }).nullish(),
  signed_urls: strictMembers({
    enabled: boolean.optional(),
    secrets: z
      .array(secret, { error: EXPECTED_SECRETS })
      .min(1, EXPECTED_SECRETS)
      .max(URL_SECRETS_MAX, EXPECTED_SECRETS)
      .optional(),
  }).nullish(),
});

const IdParams = z.object({ cdn_id: z.string() });

type Find = (context: Context & { readonly params: z.output<typeof IdParams> }) => Endpoint;

const COMMON = {
  tag: "CDN",
  limiter: "cdn",
  path: "/v2/cdn/endpoints/:cdn_id/settings",
  params: IdParams,
  status: 200,
  reply: SettingsReply,
} as const;

/** What is settled for an endpoint beside the members of CONTRACT §2: ours. */
export function settingsRoutes(service: EndpointService, find: Find): readonly AnyRoute[] {
  return [
    route({
      ...COMMON,
      operationId: "atoll_cdn_settings_get",
      method: "GET",
      summary: "Show what is settled for an endpoint; of secrets, how many there are",
      access: { scope: "cdn:read" },
      find,
      handle: ({ found }) => ({ settings: settingsView(found.settings ?? {}) }),
    }),
    route({
      ...COMMON,
      operationId: "atoll_cdn_settings_update",
      method: "PATCH",
      summary: "Change what is settled for an endpoint: what is absent stays, null turns it off",
      access: { scope: "cdn:update" },
      body: SettingsBody,
      find,
      handle: async ({ found, body }) => {
        const secrets = body.signed_urls?.secrets;
        const settings = await service.changeSettings(found, changesOf(body), secrets);
        return { settings: settingsView(settings) };
      },
    }),
  ];
}

/** From the wire's names to ours. Secrets go a way of their own. */
function changesOf(body: z.output<typeof SettingsBody>): SettingsChanges {
  const { hsts, signed_urls: signedUrls } = body;
  return {
    httpsRedirect: body.https_redirect,
    hsts: hsts && {
      maxAgeSeconds: hsts.max_age,
      includeSubdomains: hsts.include_subdomains,
      preload: hsts.preload,
    },
    errorPage: body.error_page,
    compression: body.compression,
    query: body.query,
    signedUrls: signedUrls && { enabled: signedUrls.enabled },
  };
}

/** From our names to the wire's: every member, those that are off too. */
function settingsView(settings: KeptSettings): z.input<typeof SettingsView> {
  const { hsts, query, signedUrls } = settings;
  return {
    https_redirect: settings.httpsRedirect ?? false,
    hsts:
      hsts === undefined
        ? null
        : {
            max_age: hsts.maxAgeSeconds,
            include_subdomains: hsts.includeSubdomains,
            preload: hsts.preload,
          },
    error_page: settings.errorPage ?? null,
    compression: settings.compression ?? false,
    query: {
      mode: query?.kind ?? "all",
      names: query?.kind === "only" ? [...query.names] : [],
    },
    signed_urls: {
      enabled: signedUrls?.enabled ?? false,
      secrets: signedUrls?.secretCount ?? 0,
    },
  };
}

import { z } from "zod";
import type { UpstreamOrigin } from "#feed/entry.ts";
import { fillTemplate, type SpaceName } from "./name.ts";

/** SigV4 credentials of a store, as an operator writes them down. */
export const UpstreamCredentials = z.object({
  access_key_id: z
    .string({ error: "expected the access key's id" })
    .regex(/^[\x21-\x7e]{1,256}$/, "expected 1 to 256 visible ASCII characters"),
  secret_access_key: z
    .string({ error: "expected the secret access key" })
    .regex(/^[\x21-\x7e]{1,256}$/, "expected 1 to 256 visible ASCII characters"),
  region: z
    .string({ error: "expected a region" })
    .regex(/^[\x21-\x7e]{1,64}$/, "expected 1 to 64 visible ASCII characters")
    .optional(),
});
export type UpstreamCredentials = z.output<typeof UpstreamCredentials>;

/** The operator's answer for every Space that names no store of its own. */
export interface UpstreamDefault {
  readonly template: string;
  readonly credentials?: UpstreamCredentials;
}

/** Whether a template, filled in, is an http(s) URL without credentials, query or fragment. */
export function isUpstreamTemplate(template: string): boolean {
  const filled = fillTemplate(template, { name: "space", region: "nyc3" });
  // A placeholder that is none of ours would be sent as it stands.
  if (template.length > 2_048 || /[{}]/.test(filled)) return false;
  const url = URL.parse(filled);
  if (url === null || !/^https?:$/.test(url.protocol)) return false;
  return url.username === "" && url.password === "" && url.search === "" && url.hash === "";
}

/** Where a Space's objects are; undefined: embedded. Its own store goes before the default. */
export function upstreamOf(
  space: SpaceName & { readonly upstream: string | null },
  ownCredentials: () => UpstreamCredentials | undefined,
  byDefault: UpstreamDefault | undefined,
): UpstreamOrigin | undefined {
  if (space.upstream !== null) return origin(space.upstream, space, ownCredentials());
  if (byDefault === undefined) return undefined;
  return origin(byDefault.template, space, byDefault.credentials);
}

function origin(
  template: string,
  space: SpaceName,
  credentials: UpstreamCredentials | undefined,
): UpstreamOrigin {
  const url = fillTemplate(template, space).replace(/\/+$/, "");
  if (credentials === undefined) return { url };
  return {
    url,
    credentials: {
      accessKeyId: credentials.access_key_id,
      secretAccessKey: credentials.secret_access_key,
      region: credentials.region ?? space.region,
    },
  };
}

import { readFile } from "node:fs/promises";
import { z } from "zod";
import { openAnswer } from "#acme/answers.ts";
import { edgeSettings, type KeptSettings, urlSecretsPurpose } from "#cdn/settings.ts";
import { keyPurpose } from "#certificate/serving.ts";
import type { CorsRule, EdgeChallenge, EdgeEndpoint, EndpointSettings } from "#feed/entry.ts";
import { edgeCorsRules } from "#space/cors.ts";
import { credentialsPurpose } from "#space/space-service.ts";
import { UpstreamCredentials, type UpstreamDefault, upstreamOf } from "#space/upstream.ts";
import type { EdgeView } from "#sqlite/feed-source.ts";
import type { ChallengeRow, EdgeRow } from "#sqlite/rows.ts";
import type { Config } from "./config.ts";
import type { Seal } from "./seal.ts";

/** Rows as the edges get them: a Space's store resolved, credentials, secrets and keys opened. */
export function edgeView(seal: Seal, byDefault: UpstreamDefault | undefined): EdgeView {
  return {
    endpoint: (row) => edgeEndpoint(row, seal, byDefault),
    certificate: (row) => ({
      id: row.id,
      names: JSON.parse(row.names) as string[],
      certPem: row.chain,
      keyPem: seal.open(row.sealed_key, keyPurpose(row.id)),
      notAfter: row.not_after,
    }),
    challenge: (row) => edgeChallenge(row, seal),
  };
}

function edgeChallenge({ id, sealed_answer: sealed }: ChallengeRow, seal: Seal): EdgeChallenge {
  const answer = openAnswer(seal, id, sealed);
  if (answer.kind === "dns-01") throw new Error("Edges answer nothing by DNS");
  return { id, ...answer };
}

function edgeEndpoint(
  row: EdgeRow,
  seal: Seal,
  byDefault: UpstreamDefault | undefined,
): EdgeEndpoint {
  const upstream = upstreamOf(
    row,
    () => {
      if (row.sealed_credentials === null) return undefined;
      const purpose = credentialsPurpose(row.name, row.region);
      return JSON.parse(seal.open(row.sealed_credentials, purpose)) as UpstreamCredentials;
    },
    byDefault,
  );
  return {
    id: row.id,
    space: row.name,
    region: row.region,
    domain: row.domain,
    ttl: row.ttl,
    ...(row.custom_domain === null ? {} : { customDomain: row.custom_domain }),
    ...(upstream === undefined ? {} : { upstream }),
    ...(row.settings === null ? {} : { settings: settingsOf(row, row.settings, seal) }),
    ...(row.cors === null ? {} : { cors: edgeCorsRules(JSON.parse(row.cors) as CorsRule[]) }),
  };
}

function settingsOf(row: EdgeRow, settings: string, seal: Seal): EndpointSettings {
  return edgeSettings(JSON.parse(settings) as KeptSettings, () => {
    if (row.sealed_url_secrets === null) throw new Error("Signed URLs without a secret");
    return JSON.parse(seal.open(row.sealed_url_secrets, urlSecretsPurpose(row.id))) as string[];
  });
}

/**
 * The store of every Space that names none, from the configuration.
 * @throws Error when the credentials' file cannot be used
 */
export async function upstreamDefault({ spaces }: Config): Promise<UpstreamDefault | undefined> {
  if (spaces.upstream === undefined) return undefined;
  if (spaces.upstreamCredentialsFile === undefined) return { template: spaces.upstream };
  try {
    const text = await readFile(spaces.upstreamCredentialsFile, "utf8");
    const credentials = UpstreamCredentials.parse(JSON.parse(text));
    return { template: spaces.upstream, credentials };
  } catch (cause) {
    throw new Error(
      `Cannot start:\n  ATOLL_SPACES_UPSTREAM_CREDENTIALS_FILE: expected JSON with access_key_id ` +
        `and secret_access_key: ${whyUnusable(cause)}`,
      { cause },
    );
  }
}

/** Never a piece of the file: it holds a secret. */
function whyUnusable(cause: unknown): string {
  if (cause instanceof z.ZodError) return z.prettifyError(cause);
  if (cause instanceof SyntaxError) return "it is no JSON";
  return `it cannot be read (${(cause as NodeJS.ErrnoException).code})`;
}

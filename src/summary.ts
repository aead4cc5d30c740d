import { VERSION } from "./version.ts";

/** What runs, and where. */
export interface Running {
  readonly dataDir: string;
  readonly api?: string;
  readonly apiTls: string;
  readonly edge: string;
  readonly edgeTls: string;
  readonly registry: string;
  readonly registryTls: string;
  readonly workers: number;
  readonly email: string;
  /** Only at the first start: it is shown this once. */
  readonly newToken?: string;
  /** ATOLL_TOKEN is set: whoever set it knows it. */
  readonly knowsToken: boolean;
  /** Names that look like variables of ours and are not. */
  readonly unknownVariables: readonly string[];
}

/** What a person who has just started Atoll needs in order to go on. */
export function summary(running: Running): readonly string[] {
  const { api, apiTls, dataDir } = running;
  const warnings = running.unknownVariables.map(
    (name) => `  Warning   ${name} is no variable of Atoll's (docs/operating.md lists them)`,
  );
  const workers = running.workers === 1 ? "one worker" : `${running.workers} workers`;
  const places: readonly (readonly [string, string])[] = [
    ["API", api ?? "over TLS only, beyond the loopback (ATOLL_API_PLAIN=on lifts that)"],
    ["API, TLS", `${apiTls}  (trust ${dataDir}/ca/ca.pem)`],
    ["Edge", `${running.edge}  (${workers})`],
    ["Edge, TLS", running.edgeTls],
    ["Registry", `${running.registry}  (TLS: ${running.registryTls})`],
    ["Data", dataDir],
    ["Account", running.email],
    ...tokenLine(running),
    ["Try", curlLine(running)],
  ];
  return [
    `Atoll ${VERSION} is ready`,
    ...places.map(([name, value]) => `  ${name.padEnd(9)} ${value}`),
    ...warnings,
  ];
}

function tokenLine({ newToken, knowsToken }: Running): readonly (readonly [string, string])[] {
  if (newToken !== undefined) return [["Token", `${newToken}  (shown this once)`]];
  if (knowsToken) return [];
  return [["Token", "shown at the first start; atoll token create NAME makes another"]];
}

/** Works as it stands, so it is about an account only when the token can be part of it. */
function curlLine({ api, apiTls, dataDir, newToken }: Running): string {
  const curl = api === undefined ? `curl --cacert ${dataDir}/ca/ca.pem` : "curl";
  const url = api ?? apiTls;
  return newToken === undefined
    ? `${curl} ${url}/`
    : `${curl} -H "Authorization: Bearer ${newToken}" ${url}/v2/account`;
}

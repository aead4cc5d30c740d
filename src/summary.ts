import { VERSION } from "./version.ts";

/** What runs, and where. */
export interface Running {
  readonly dataDir: string;
  readonly api?: string;
  readonly apiTls: string;
  readonly edge: string;
  readonly workers: number;
  readonly email: string;
  /** Only at the first start: it is shown this once. */
  readonly newToken?: string;
  /** The reader has a token: it was just made, or the variable has it. */
  readonly knowsToken: boolean;
  /** Names that look like variables of ours and are not. */
  readonly unknownVariables: readonly string[];
}

/** What a person who has just started Atoll needs in order to go on. */
export function summary(running: Running): readonly string[] {
  const { api, apiTls, newToken, dataDir } = running;
  const warnings = running.unknownVariables.map(
    (name) => `  Warning   ${name} is no variable of Atoll's (docs/operating.md lists them)`,
  );
  // The text of a token that was made earlier is not known: the shell's variable stands for it.
  const authorization = `-H "Authorization: Bearer ${newToken ?? "$ATOLL_TOKEN"}"`;
  const workers = running.workers === 1 ? "one worker" : `${running.workers} workers`;
  const curl =
    api === undefined
      ? `curl --cacert ${dataDir}/ca/ca.pem ${authorization} ${apiTls}/v2/account`
      : `curl ${authorization} ${api}/v2/account`;
  const places: readonly (readonly [string, string])[] = [
    ["API", api ?? "over TLS only, beyond the loopback (ATOLL_API_PLAIN=on lifts that)"],
    ["API, TLS", `${apiTls}  (trust ${dataDir}/ca/ca.pem)`],
    ["Edge", `${running.edge}  (${workers})`],
    ["Data", dataDir],
    ["Account", running.email],
    ...(newToken === undefined ? [] : [["Token", `${newToken}  (shown this once)`] as const]),
    running.knowsToken
      ? ["Try", curl]
      : ["Token", "those made before are not shown again; atoll token create NAME makes one"],
  ];
  return [
    `Atoll ${VERSION} is ready`,
    ...places.map(([name, value]) => `  ${name.padEnd(9)} ${value}`),
    ...warnings,
  ];
}

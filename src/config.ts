import { join, resolve } from "node:path";
import type { z } from "zod";
import { parseDirectory } from "#acme/directories.ts";
import { CLIENT_VARIABLES, Environment } from "./environment.ts";

const MAY_HOLD_SECRETS: ReadonlySet<string> = new Set([
  "ATOLL_TOKEN",
  "ATOLL_METRICS_TOKEN",
  "ATOLL_SPACES_UPSTREAM",
]);

const FIXED_SPACES_DOMAIN = "spaces.localhost";

function dnsOf(env: Environment) {
  const domain = env.ATOLL_DOMAIN;
  return {
    port: env.ATOLL_DNS_PORT,
    /** What `_acme-challenge` names are CNAMEs into. */
    zone: env.ATOLL_ACME_DNS_ZONE,
    /** What NS records point at this server by. */
    name: env.ATOLL_DNS_NAME ?? (domain === undefined ? "localhost" : `api.${domain}`),
  };
}

function acmeOf(env: Environment) {
  const domain = env.ATOLL_DOMAIN;
  return {
    /** `local`, or the URL of a directory. */
    directory:
      env.ATOLL_ACME_DIRECTORY ??
      (domain === undefined ? "local" : (parseDirectory("letsencrypt") ?? "local")),
    caFile: env.ATOLL_ACME_CA_FILE,
    email: env.ATOLL_ACME_EMAIL,
    externalAccount: externalAccount(env.ATOLL_ACME_EAB_KID, env.ATOLL_ACME_EAB_HMAC_FILE),
    profile: env.ATOLL_ACME_PROFILE,
    /** Whom our own checks ask for names. */
    resolver: env.ATOLL_ACME_RESOLVER,
  };
}

function spacesOf(env: Environment) {
  const domain = env.ATOLL_DOMAIN;
  return {
    domains: [
      ...new Set([
        ...env.ATOLL_SPACES_DOMAINS,
        FIXED_SPACES_DOMAIN,
        ...(domain === undefined ? [] : [`spaces.${domain}`]),
      ]),
    ],
    strict: env.ATOLL_SPACES === "strict",
    upstream: env.ATOLL_SPACES_UPSTREAM,
    upstreamCredentialsFile: env.ATOLL_SPACES_UPSTREAM_CREDENTIALS_FILE,
  };
}

const Config = Environment.transform((env) => {
  const domain = env.ATOLL_DOMAIN;
  return {
    dataDir: resolve(env.ATOLL_DATA_DIR),
    /** Absent: in the data folder. */
    masterKeyFile: env.ATOLL_MASTER_KEY_FILE,
    /** `::` is every address, IPv4 too. */
    host: env.ATOLL_HOST ?? (domain === undefined ? "127.0.0.1" : "::"),
    domain,
    token: env.ATOLL_TOKEN,
    email: env.ATOLL_EMAIL,
    logLevel: env.ATOLL_LOG_LEVEL,
    api: {
      port: env.ATOLL_API_PORT,
      tlsPort: env.ATOLL_API_TLS_PORT,
      /** A proxy stands in front, so plain HTTP is allowed beyond the loopback. */
      plain: env.ATOLL_API_PLAIN === "on",
      /** Further names on the API's certificate, as api.digitalocean.com. */
      names: env.ATOLL_API_NAMES,
    },
    registry: {
      port: env.ATOLL_REGISTRY_PORT,
      tlsPort: env.ATOLL_REGISTRY_TLS_PORT,
    },
    edge: {
      port: env.ATOLL_EDGE_PORT ?? (domain === undefined ? 8081 : 80),
      tlsPort: env.ATOLL_EDGE_TLS_PORT ?? (domain === undefined ? 8444 : 443),
      workers: env.ATOLL_EDGE_WORKERS,
      memoryBytesMax: env.ATOLL_EDGE_MEMORY_BYTES,
      diskBytesMax: env.ATOLL_EDGE_DISK_BYTES,
      accessLog: accessLog(env.ATOLL_ACCESS_LOG, resolve(env.ATOLL_DATA_DIR)),
      accessLogFormat: env.ATOLL_ACCESS_LOG_FORMAT,
    },
    dns: dnsOf(env),
    acme: acmeOf(env),
    metricsToken: env.ATOLL_METRICS_TOKEN,
    rateLimits: {
      enforced: env.ATOLL_RATE_LIMITS === "on",
      hour: env.ATOLL_RATE_LIMIT_HOUR,
      minute: env.ATOLL_RATE_LIMIT_MINUTE,
      cdn: env.ATOLL_RATE_LIMIT_CDN,
      purgeFiles: env.ATOLL_RATE_LIMIT_PURGE_FILES,
    },
    spaces: spacesOf(env),
  };
});

export type Config = Readonly<z.output<typeof Config>> & {
  /** Names that look like ours and are not: typing errors that would else pass in silence. */
  readonly unknownVariables: readonly string[];
};

/**
 * The only function that is given the environment.
 * @throws Error with every mistake at once, a line each: the variable and what it takes.
 */
export function readConfig(env: NodeJS.ProcessEnv): Config {
  const result = Config.safeParse(env);
  const mistakes = result.success
    ? [...collisions(result.data), ...halfAnAccount(env)]
    : result.error.issues.map(
        (issue) => `  ${issue.path.join(".")}: ${issue.message}, got ${shown(issue.path, env)}`,
      );
  if (result.success && mistakes.length === 0) {
    return Object.freeze({ ...result.data, unknownVariables: unknownVariables(env) });
  }
  throw new Error(`Cannot start:\n${mistakes.toSorted().join("\n")}`);
}

/** RFC 8555 §7.3.4. */
function externalAccount(
  kid: string | undefined,
  hmacFile: string | undefined,
): { readonly kid: string; readonly hmacFile: string } | undefined {
  return kid === undefined || hmacFile === undefined ? undefined : { kid, hmacFile };
}

/** Where the access log goes. In the data folder it is ours to keep within bounds. */
function accessLog(
  value: string | undefined,
  dataDir: string,
): { readonly path: string; readonly isOurs: boolean } | undefined {
  if (value === "off") return undefined;
  if (value === "-") return { path: "-", isOurs: false };
  if (value !== undefined) return { path: resolve(value), isOurs: false };
  return { path: join(dataDir, "logs", "access.log"), isOurs: true };
}

/** Ports that two parts would both listen on. */
function collisions({ api, edge, dns, registry }: z.output<typeof Config>): string[] {
  const ports = {
    ATOLL_API_PORT: api.port,
    ATOLL_API_TLS_PORT: api.tlsPort,
    ATOLL_EDGE_PORT: edge.port,
    ATOLL_EDGE_TLS_PORT: edge.tlsPort,
    ATOLL_DNS_PORT: dns.port,
    ATOLL_REGISTRY_PORT: registry.port,
    ATOLL_REGISTRY_TLS_PORT: registry.tlsPort,
  };
  const owners = new Map<number, string>();
  const mistakes: string[] = [];
  for (const [name, number] of Object.entries(ports)) {
    const owner = owners.get(number);
    if (number !== 0 && owner !== undefined) {
      mistakes.push(`  ${name}: expected a port of its own, but ${number} is that of ${owner}`);
    }
    owners.set(number, name);
  }
  return mistakes;
}

/** RFC 8555 §7.3.4: what a CA gives for an account of its own is two things. */
function halfAnAccount(env: NodeJS.ProcessEnv): string[] {
  const names = ["ATOLL_ACME_EAB_KID", "ATOLL_ACME_EAB_HMAC_FILE"];
  const [missing, ...others] = names.filter((name) => (env[name] ?? "") === "");
  if (missing === undefined || others.length > 0) return [];
  return [`  ${missing}: expected together with ${names.find((name) => name !== missing)}`];
}

/** Names that look like ours and are not. */
export function unknownVariables(env: NodeJS.ProcessEnv): readonly string[] {
  const known = new Set([...Object.keys(Environment.shape), ...CLIENT_VARIABLES]);
  return Object.keys(env).filter(
    (name) => name.startsWith("ATOLL_") && !name.startsWith("ATOLL_TEST_") && !known.has(name),
  );
}

/** A value that may be a secret is not repeated to the terminal or a log. */
function shown(path: readonly PropertyKey[], env: NodeJS.ProcessEnv): string {
  const name = String(path[0]);
  return MAY_HOLD_SECRETS.has(name) ? "[not shown]" : JSON.stringify(env[name]);
}

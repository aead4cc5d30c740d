import { join, resolve } from "node:path";
import { z } from "zod";
import { parseDirectory } from "#acme/directories.ts";
import { isUpstreamTemplate } from "#space/upstream.ts";
import { LOG_FORMATS } from "#usage/log-line.ts";
import { LOG_LEVELS } from "./log.ts";
import { count, email, hostname, hostnames, integer, onOff, port, variable } from "./variables.ts";
import { defaultWorkers, WORKERS_MAX } from "./worker-count.ts";

const ACME_DIRECTORY = "expected local, letsencrypt, letsencrypt-staging, or a directory URL";

/** Every variable of Atoll: its name, what it takes, its default. `docs/operating.md` says more. */
const Environment = z.object({
  ATOLL_DATA_DIR: variable(z.string().default("./data")),
  ATOLL_MASTER_KEY_FILE: variable(
    z
      .string()
      .transform((path) => resolve(path))
      .optional(),
  ),
  ATOLL_HOST: variable(
    z
      .union([z.ipv4(), z.ipv6()], { error: "expected an IP address, as 127.0.0.1 or ::" })
      .optional(),
  ),
  ATOLL_API_PORT: variable(port.default(8080)),
  ATOLL_API_TLS_PORT: variable(port.default(8443)),
  ATOLL_API_PLAIN: variable(onOff.default("off")),
  ATOLL_API_NAMES: variable(hostnames.default([])),
  ATOLL_EDGE_PORT: variable(port.optional()),
  ATOLL_EDGE_TLS_PORT: variable(port.optional()),
  ATOLL_REGISTRY_PORT: variable(port.default(5000)),
  ATOLL_REGISTRY_TLS_PORT: variable(port.default(5443)),
  ATOLL_SPACES_PORT: variable(port.default(9000)),
  ATOLL_DNS_PORT: variable(port.default(8053)),
  ATOLL_DNS_NAME: variable(hostname.optional()),
  ATOLL_TOKEN: variable(
    z
      .string()
      .regex(/^[\x21-\x7e]{1,512}$/, "expected 1 to 512 visible ASCII characters")
      .optional(),
  ),
  ATOLL_EMAIL: variable(email.optional()),
  ATOLL_EDGE_WORKERS: variable(
    integer(1, WORKERS_MAX, `expected a number of processes, 1 to ${WORKERS_MAX}`).default(
      defaultWorkers(),
    ),
  ),
  ATOLL_EDGE_MEMORY_BYTES: variable(
    integer(16_777_216, 1_099_511_627_776, "expected bytes, at least 16777216").default(
      268_435_456,
    ),
  ),
  ATOLL_EDGE_DISK_BYTES: variable(
    integer(0, 2 ** 50, "expected bytes, or 0 for none").default(10_737_418_240),
  ),
  ATOLL_ACCESS_LOG: variable(z.string().optional()),
  ATOLL_ACCESS_LOG_FORMAT: variable(
    z.enum(LOG_FORMATS, { error: "expected json or combined" }).default("json"),
  ),
  ATOLL_METRICS_TOKEN: variable(
    z
      .string()
      .regex(/^[!-~]{16,}$/, "expected at least 16 visible ASCII characters")
      .optional(),
  ),
  ATOLL_RATE_LIMITS: variable(onOff.default("on")),
  ATOLL_RATE_LIMIT_HOUR: variable(count.default(5_000)),
  ATOLL_RATE_LIMIT_MINUTE: variable(count.default(250)),
  ATOLL_RATE_LIMIT_CDN: variable(count.default(5)),
  ATOLL_RATE_LIMIT_PURGE_FILES: variable(count.default(50)),
  ATOLL_SPACES_DOMAINS: variable(hostnames.default(["digitaloceanspaces.com", "spaces.localhost"])),
  ATOLL_SPACES: variable(z.literal("strict", { error: "expected strict, or nothing" }).optional()),
  ATOLL_SPACES_UPSTREAM: variable(
    z
      .string()
      .refine(
        isUpstreamTemplate,
        "expected an http(s) URL without credentials or query, as " +
          "https://{space}.{region}.digitaloceanspaces.com",
      )
      .optional(),
  ),
  ATOLL_SPACES_UPSTREAM_CREDENTIALS_FILE: variable(z.string().optional()),
  ATOLL_DOMAIN: variable(hostname.optional()),
  ATOLL_ACME_DIRECTORY: variable(
    z
      .string()
      .refine((text) => text === "local" || parseDirectory(text) !== undefined, ACME_DIRECTORY)
      .transform((text) => parseDirectory(text) ?? text)
      .optional(),
  ),
  ATOLL_ACME_DNS_ZONE: variable(hostname.optional()),
  ATOLL_ACME_CA_FILE: variable(z.string().optional()),
  ATOLL_ACME_EMAIL: variable(email.optional()),
  ATOLL_ACME_EAB_KID: variable(
    z
      .string()
      .regex(/^[\x21-\x7e]{1,255}$/, "expected the key identifier that the CA has given")
      .optional(),
  ),
  ATOLL_ACME_EAB_HMAC_FILE: variable(z.string().optional()),
  ATOLL_ACME_PROFILE: variable(
    z
      .string()
      .regex(/^[\x21-\x7e]{1,64}$/, "expected the name of one of the CA's profiles")
      .optional(),
  ),
  ATOLL_ACME_RESOLVER: variable(
    z
      .string()
      .regex(
        /^(?:\d{1,3}(?:\.\d{1,3}){3}|\[[0-9a-f:]{2,39}\])(?::\d{1,5})?$/i,
        "expected an address, with a port or without, as 9.9.9.9 or [::1]:5353",
      )
      .optional(),
  ),
  ATOLL_LOG_LEVEL: variable(
    z.enum(LOG_LEVELS, { error: `expected one of ${LOG_LEVELS.join(", ")}` }).default("info"),
  ),
});

const MAY_HOLD_SECRETS: ReadonlySet<string> = new Set([
  "ATOLL_TOKEN",
  "ATOLL_METRICS_TOKEN",
  "ATOLL_SPACES_UPSTREAM",
]);

/** For `atoll` commands only: which server, as whom. */
const CLIENT_VARIABLES = ["ATOLL_URL"];

const FIXED_SPACES_DOMAIN = "spaces.localhost";

type Environment = z.output<typeof Environment>;

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

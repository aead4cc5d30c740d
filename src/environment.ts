import { resolve } from "node:path";
import { z } from "zod";
import { parseDirectory } from "#acme/directories.ts";
import { isUpstreamTemplate } from "#space/upstream.ts";
import { LOG_FORMATS } from "#usage/log-line.ts";
import { LOG_LEVELS } from "./log.ts";
import { count, email, hostname, hostnames, integer, onOff, port, variable } from "./variables.ts";
import { defaultWorkers, WORKERS_MAX } from "./worker-count.ts";

const ACME_DIRECTORY = "expected local, letsencrypt, letsencrypt-staging, or a directory URL";

/** Every variable of Atoll: its name, what it takes, its default. `docs/operating.md` says more. */
export const Environment = z.object({
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

export type Environment = z.output<typeof Environment>;

/** For `atoll` commands only: which server, as whom. */
export const CLIENT_VARIABLES = ["ATOLL_URL"];

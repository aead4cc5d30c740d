import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Agent, request } from "undici";
import { openAuthority, type Pair } from "../support/certificates.ts";
import { freePorts, startChild } from "./child.ts";

/** What a certificate of the profile is like. */
interface PebbleProfile {
  readonly description: string;
  readonly validitySeconds: number;
}

export interface PebbleOptions {
  /** The program, as `buildPebble` made it. */
  readonly program: string;
  /** Where http-01 and tls-alpn-01 are validated. */
  readonly httpPort: number;
  readonly tlsPort: number;
  /** `address:port`, asked by TCP. */
  readonly dnsServer: string;
  /** Absent: one, `default`, for 90 days. */
  readonly profiles?: Readonly<Record<string, PebbleProfile>>;
  /** Names that it does not issue for. */
  readonly blocked?: readonly string[];
  /** IDs and base64url HMAC keys, without which no account is made. */
  readonly externalAccounts?: Readonly<Record<string, string>>;
}

/** A started Pebble. Its accounts, orders and root are gone when it stops. */
export interface Pebble {
  readonly directory: string;
  /** What the directory's own TLS is verified by. */
  readonly caFile: string;
  readonly caPem: string;
  /** What it shows as `localhost`: for who stands before it. */
  readonly pair: Pair;
  /** What its certificates are verified by. PEM */
  root(): Promise<string>;
  /** Makes renewal information out of any text. */
  setRenewalInfo(leafPem: string, renewalInfo: string): Promise<void>;
  output(): string;
  stop(): Promise<void>;
}

/** RFC 8555 §6.1: it answers nobody without a name. */
const FIELDS = { "user-agent": "atoll-test" };

const DEFAULT_PROFILES = { default: { description: "90 days", validitySeconds: 90 * 86_400 } };

export async function startPebble(options: PebbleOptions): Promise<Pebble> {
  await using stack = new AsyncDisposableStack();
  const authority = stack.use(await openAuthority());
  const folder = await mkdtemp(join(tmpdir(), "atoll-pebble-"));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const caFile = join(folder, "ca.pem");
  await writeFile(caFile, authority.caPem);
  const pair = await authority.issue("localhost", "127.0.0.1");
  const files = await authority.filesOf(pair);
  const [port = 0, managementPort = 0] = await freePorts(2);
  const config = join(folder, "pebble.json");
  await writeFile(config, JSON.stringify(configOf(options, files, port, managementPort)));

  const agent = new Agent({ connect: { ca: authority.caPem }, allowH2: false });
  stack.defer(() => agent.destroy());
  const ask = async (path: string, body?: string): Promise<string> => {
    const url = `https://localhost:${managementPort}${path}`;
    const method = body === undefined ? "GET" : "POST";
    const asked = { dispatcher: agent, method, headers: FIELDS } as const;
    const reply = await request(url, { ...asked, ...(body && { body }) });
    const text = await reply.body.text();
    if (reply.statusCode !== 200) throw new Error(`${path}: ${reply.statusCode} ${text}`);
    return text;
  };
  const directory = `https://localhost:${port}/dir`;
  const args = ["-config", config, "-strict", "-dnsserver", options.dnsServer];
  const pebble = await startChild(options.program, args, ENVIRONMENT, async () => {
    const reply = await request(directory, { dispatcher: agent, headers: FIELDS });
    await reply.body.dump();
    return reply.statusCode === 200;
  });
  stack.defer(() => pebble.stop());
  const owned = stack.move();
  return {
    directory,
    caFile,
    caPem: authority.caPem,
    pair,
    root: () => ask("/roots/0"),
    setRenewalInfo: async (certificate, ariResponse) => {
      await ask("/set-renewal-info/", JSON.stringify({ certificate, ariResponse }));
    },
    output: () => pebble.output(),
    stop: () => owned.disposeAsync(),
  };
}

/** Its own faults are off: the faulty proxy's follow from a seed. */
const ENVIRONMENT = {
  PEBBLE_VA_NOSLEEP: "1",
  PEBBLE_WFE_NONCEREJECT: "0",
  PEBBLE_AUTHZREUSE: "0",
};

function configOf(
  options: PebbleOptions,
  files: { readonly cert: string; readonly key: string },
  port: number,
  managementPort: number,
): object {
  const profiles = Object.entries<PebbleProfile>(options.profiles ?? DEFAULT_PROFILES);
  return {
    pebble: {
      listenAddress: `127.0.0.1:${port}`,
      managementListenAddress: `127.0.0.1:${managementPort}`,
      certificate: files.cert,
      privateKey: files.key,
      httpPort: options.httpPort,
      tlsPort: options.tlsPort,
      externalAccountBindingRequired: options.externalAccounts !== undefined,
      externalAccountMACKeys: options.externalAccounts ?? {},
      domainBlocklist: options.blocked ?? [],
      retryAfter: { authz: 1, order: 1 },
      keyAlgorithm: "ecdsa",
      profiles: Object.fromEntries(
        profiles.map(([name, { description, validitySeconds }]) => [
          name,
          { description, validityPeriod: validitySeconds },
        ]),
      ),
    },
  };
}

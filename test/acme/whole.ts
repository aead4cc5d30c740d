import assert from "node:assert/strict";
import type { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { connect } from "node:tls";
import { runTool } from "../clients/edge/tool.ts";
import type { PebblePrograms } from "../clients/install.ts";
import { type Atoll, startAtoll } from "../support/atoll.ts";
import { until } from "../support/until.ts";
import { freshName } from "../support/world.ts";
import { freePorts } from "./child.ts";
import { type FaultyProxy, startFaultyProxy } from "./faulty-proxy.ts";
import { type Pebble, startPebble } from "./pebble.ts";
import { type Delegation, startResolver } from "./resolver.ts";

const LIST = "/v2/certificates";
const OBTAINED_MS_MAX = 30_000;

export interface WholeOptions {
  /** Nobody answers where the CA looks by http-01. */
  readonly isPort80Closed?: boolean;
  /** A proxy stands between Atoll and the CA, whose faults follow from it. */
  readonly seed?: number;
  readonly delegationOf?: (name: string) => Delegation;
  readonly env?: Readonly<Record<string, string>>;
}

/** The whole of Atoll, which obtains its certificates from Pebble, in a world of its own DNS. */
export interface Whole {
  readonly atoll: Atoll;
  readonly pebble: Pebble;
  readonly tlsPort: number;
}

export async function startWhole(
  programs: PebblePrograms,
  stack: AsyncDisposableStack,
  options: WholeOptions = {},
): Promise<Whole & { readonly proxy: FaultyProxy }> {
  const [httpPort = 0, tlsPort = 0, dnsPort = 0, closedPort = 0] = await freePorts(4);
  const { delegationOf = () => undefined, isPort80Closed = false, seed = 0 } = options;
  const resolver = stack.use(await startResolver(dnsPort, delegationOf));
  const pebble = await startPebble({
    program: programs.pebble,
    httpPort: isPort80Closed ? closedPort : httpPort,
    tlsPort,
    dnsServer: resolver.address,
    blocked: ["blocked.example.net"],
  });
  stack.defer(() => pebble.stop());
  const proxy = stack.use(await startFaultyProxy(pebble, seed));
  const env = {
    ATOLL_EDGE_PORT: String(httpPort),
    ATOLL_EDGE_TLS_PORT: String(tlsPort),
    ATOLL_EDGE_WORKERS: "2",
    ATOLL_DNS_PORT: String(dnsPort),
    ATOLL_ACME_DIRECTORY: proxy.directory,
    ATOLL_ACME_CA_FILE: pebble.caFile,
    ATOLL_ACME_RESOLVER: resolver.address,
    ...options.env,
  };
  return { atoll: stack.use(await startAtoll({ env })), pebble, proxy, tlsPort };
}

/** Certificates of the first account, by the API. */
export function certificatesOf(atoll: Atoll) {
  const get = async (id: string) => (await atoll.api("GET", `${LIST}/${id}`)).json.certificate;
  return {
    get,
    create: async (dns_names: readonly string[]) => {
      const body = { name: freshName("managed"), type: "lets_encrypt", dns_names };
      const { status, json, text } = await atoll.api("POST", LIST, { body });
      assert.equal(status, 201, text);
      return json.certificate;
    },
    retry: async (id: string) => {
      const { status, json, text } = await atoll.api("POST", `${LIST}/${id}/retry`);
      assert.equal(status, 200, text);
      return json.certificate;
    },
    verified: (id: string) =>
      until(
        "it is verified",
        async () => {
          const certificate = await get(id);
          return certificate.state === "verified" && certificate;
        },
        OBTAINED_MS_MAX,
      ),
    story: async (id: string) => (await atoll.api("GET", `${LIST}/${id}/events`)).json.events,
  };
}

/** As if the CA's word had grown old: its permission to be asked again has come. */
export function makeDue({ dataDir }: Atoll): void {
  using db = new DatabaseSync(join(dataDir, "atoll.db"));
  db.exec("UPDATE certificate_job SET due_at = 0, renewal = NULL WHERE due_at IS NOT NULL");
}

/** What the edge shows for a name; `undefined` when it shows none. */
export async function shown(
  port: number,
  servername: string,
): Promise<X509Certificate | undefined> {
  const socket = connect({ port, host: "127.0.0.1", servername, rejectUnauthorized: false });
  try {
    await once(socket, "secureConnect");
    return socket.getPeerX509Certificate();
  } catch {
    return undefined; // The alert that says that there is none.
  } finally {
    socket.destroy();
  }
}

/** What curl is told for a name, trusting Pebble's root alone: the head and the body. */
export async function curl(
  { atoll, pebble, tlsPort }: Whole,
  host: string,
  path: string,
  ...more: readonly string[]
): Promise<string> {
  const root = join(atoll.dataDir, "pebble-root.pem");
  await writeFile(root, await pebble.root());
  const to = ["--resolve", `${host}:${tlsPort}:127.0.0.1`];
  const args = ["-sS", "-i", "--cacert", root, ...to, ...more, `https://${host}:${tlsPort}${path}`];
  const { code, stdout, stderr } = await runTool("curl", args);
  assert.equal(code, 0, stderr);
  return stdout;
}

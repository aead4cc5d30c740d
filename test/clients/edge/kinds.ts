import { join } from "node:path";
import process from "node:process";
import type { EdgeClientKind, EdgeTarget, Lacks } from "./client.ts";
import { curl } from "./curl.ts";
import { Driver } from "./driver.ts";
import { runTool } from "./tool.ts";

const HERE = import.meta.dirname;

/** 7.88 fails when it uses such a connection again, whatever the server: nginx's as well. */
const OF_OLD_CURL: Lacks = {
  reuse: "this curl cannot use an HTTP/2 connection in the clear twice",
};

const OF_HTTP_1_0: Lacks = {
  trailers: "HTTP/1.0 has none",
  interim: "HTTP/1.0 has none",
  reuse: "it closes every connection",
  undeclared: "HTTP/1.0 cannot",
};

/** curl of this machine in every protocol that the edge speaks. */
export async function curlKinds(edge: EdgeTarget): Promise<EdgeClientKind[]> {
  const { plain, secure, caFile } = edge;
  const at = (url: string, ...options: readonly string[]) => ({
    url,
    caFile,
    options,
  });
  const { stdout } = await runTool("curl", ["--version"]);
  const lacks = stdout.startsWith("curl 7.88.") ? OF_OLD_CURL : {};
  const newest = ["--tlsv1.3"];
  const older = ["--tls-max", "1.2"];
  return [
    // The edge answers in the version that it speaks itself (RFC 9112 §2.3).
    curl("HTTP/1.0", at(plain, "--http1.0"), "1.1", OF_HTTP_1_0),
    curl("HTTP/1.1", at(plain, "--http1.1"), "1.1"),
    curl("HTTP/1.1 with an offer of HTTP/2", at(plain, "--http2"), "1.1"),
    curl("HTTP/1.1 over TLS 1.2", at(secure, "--http1.1", ...older), "1.1"),
    curl("HTTP/1.1 over TLS 1.3", at(secure, "--http1.1", ...newest), "1.1"),
    curl("HTTP/2 with prior knowledge", at(plain, "--http2-prior-knowledge"), "2", lacks),
    curl("HTTP/2 over TLS 1.2", at(secure, "--http2", ...older), "2"),
    curl("HTTP/2 over TLS 1.3", at(secure, "--http2", ...newest), "2"),
  ];
}

const OF_HTTP_CLIENT: Lacks = {
  trailers: "it drops trailers",
  interim: "it does not show interim responses",
  earlyHints: "it takes a 103 for the response",
};
const OF_HTTPX: Lacks = {
  trailers: "it drops trailers",
  interim: "it does not show interim responses",
};

/** A client of a driver, and the protocol that it is set to. */
interface Variant {
  readonly name: string;
  /** As the driver calls it. */
  readonly client: string;
  readonly over: "plain" | "secure";
  readonly version: "1.1" | "2";
  readonly lacks?: Lacks;
  readonly keeps?: number;
  readonly decodes?: boolean;
}

const GO: readonly Variant[] = [
  { name: "HTTP/1.1", client: "http/1.1", over: "plain", version: "1.1" },
  { name: "HTTP/1.1 over TLS", client: "http/1.1", over: "secure", version: "1.1" },
  { name: "HTTP/2 with prior knowledge", client: "h2c", over: "plain", version: "2" },
  { name: "HTTP/2 over TLS 1.2", client: "h2 over TLS 1.2", over: "secure", version: "2" },
  { name: "HTTP/2 over TLS 1.3", client: "h2", over: "secure", version: "2" },
];

const PYTHON: readonly Variant[] = [
  {
    name: "http.client, HTTP/1.1",
    client: "http.client",
    over: "plain",
    version: "1.1",
    lacks: OF_HTTP_CLIENT,
  },
  {
    name: "http.client, HTTP/1.1 over TLS",
    client: "http.client",
    over: "secure",
    version: "1.1",
    lacks: OF_HTTP_CLIENT,
  },
  {
    name: "urllib, HTTP/1.1 over TLS",
    client: "urllib",
    over: "secure",
    version: "1.1",
    lacks: { ...OF_HTTP_CLIENT, reuse: "it closes every connection" },
  },
  {
    name: "httpx, HTTP/1.1 over TLS",
    client: "httpx",
    over: "secure",
    version: "1.1",
    lacks: OF_HTTPX,
  },
  {
    name: "httpx, HTTP/2 with prior knowledge",
    client: "httpx h2",
    over: "plain",
    version: "2",
    lacks: OF_HTTPX,
  },
  {
    name: "httpx, HTTP/2 over TLS",
    client: "httpx h2",
    over: "secure",
    version: "2",
    lacks: OF_HTTPX,
  },
];

const OF_FETCH: Lacks = {
  trailers: "it drops trailers",
  interim: "it does not show interim responses",
};

const NODE: readonly Variant[] = [
  { name: "node:http", client: "node:http", over: "plain", version: "1.1" },
  { name: "node:https", client: "node:http", over: "secure", version: "1.1" },
  { name: "node:http2, in the clear", client: "node:http2", over: "plain", version: "2" },
  { name: "node:http2, over TLS", client: "node:http2", over: "secure", version: "2" },
  {
    name: "fetch, HTTP/1.1",
    client: "fetch",
    over: "plain",
    version: "1.1",
    lacks: OF_FETCH,
    // It takes turns between two.
    keeps: 2,
    decodes: true,
  },
  {
    name: "fetch, HTTP/2 over TLS",
    client: "fetch",
    over: "secure",
    version: "2",
    lacks: OF_FETCH,
    decodes: true,
  },
];

/** Kinds that one program drives; whoever opens it disposes of it. */
export interface Driven extends AsyncDisposable {
  readonly kinds: readonly EdgeClientKind[];
}

export function goKinds(edge: EdgeTarget, program: string): Driven {
  return driven("Go's net/http, ", GO, edge, new Driver(program, []));
}

export function pythonKinds(edge: EdgeTarget, python: string): Driven {
  return driven("Python's ", PYTHON, edge, new Driver(python, [join(HERE, "python/driver.py")]));
}

export function nodeKinds(edge: EdgeTarget): Driven {
  const env = { NODE_EXTRA_CA_CERTS: edge.caFile };
  const driver = new Driver(process.execPath, [join(HERE, "node/driver.ts")], env);
  return driven("Node's ", NODE, edge, driver);
}

function driven(
  prefix: string,
  variants: readonly Variant[],
  edge: EdgeTarget,
  driver: Driver,
): Driven {
  const { caFile } = edge;
  return {
    kinds: variants.map(
      ({ name, client, over, version, lacks = {}, keeps = 1, decodes = false }) => ({
        name: prefix + name,
        version,
        lacks,
        keeps,
        decodes,
        run: (asks, order = "in turn") =>
          driver.run({ client, url: edge[over], caFile, order, asks }),
      }),
    ),
    [Symbol.asyncDispose]: () => driver[Symbol.asyncDispose](),
  };
}

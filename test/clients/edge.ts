import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stderr } from "node:process";
import { after, test } from "node:test";
import { startAtoll } from "../support/atoll.ts";
import { openAuthority } from "../support/certificates.ts";
import { startEdgeAlone } from "../support/edge-alone.ts";
import { chromiumContract } from "./edge/chromium.ts";
import type { EdgeTarget } from "./edge/client.ts";
import { edgeClientContract } from "./edge/contract.ts";
import { h2loadContract } from "./edge/h2load.ts";
import { h2specSuite } from "./edge/h2spec.ts";
import { curlKinds, type Driven, goKinds, nodeKinds, pythonKinds } from "./edge/kinds.ts";
import { nghttpContract } from "./edge/nghttp.ts";
import { startEdgeOrigin } from "./edge/origin.ts";
import { platformContract } from "./edge/platform.ts";
import { tlsContract } from "./edge/tls.ts";
import { missing, notTested } from "./edge/tool.ts";
import { buildGoDriver, buildH2spec, installPython } from "./install.ts";

/**
 * Clients of the web, as they are, against a started `atoll edge` and a started `atoll serve`;
 * `clients` is the folder that has npm's.
 */
export async function edgeClients(clients: string): Promise<void> {
  const stack = new AsyncDisposableStack();
  after(() => stack.disposeAsync());
  const [go, python, h2spec] = await Promise.all([
    buildGoDriver(),
    unlessOffline(installPython()),
    unlessOffline(buildH2spec()),
  ]);
  const folder = await mkdtemp(join(tmpdir(), "atoll-edge-clients-"));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const authority = stack.use(await openAuthority());
  const files = await authority.filesOf(await authority.issue("localhost"));
  const caFile = join(folder, "ca.pem");
  await writeFile(caFile, authority.caPem);
  const origin = stack.use(await startEdgeOrigin());
  const start = async (workers: string): Promise<EdgeTarget> => {
    const args = ["--workers", workers, "--log-level", "warn"];
    const { url, tlsUrl } = stack.use(await startEdgeAlone({ origin: origin.url, files, args }));
    return { plain: byName(url), secure: byName(tlsUrl), caFile };
  };
  const edge = await start("1");
  const use = (driven: Driven): void => {
    stack.use(driven);
    for (const kind of driven.kinds) edgeClientContract(kind, origin);
  };

  use(nodeKinds(edge));
  if (go === undefined) skip("Go's net/http", "there is no Go to build its driver with");
  else use(goKinds(edge, go));
  if (python === undefined) skip("Python's clients", "there is no venv with httpx to be had");
  else use(pythonKinds(edge, python));
  const noCurl = await missing("curl");
  if (noCurl !== false) test("curl", { skip: noCurl }, () => {});
  else for (const kind of await curlKinds(edge)) edgeClientContract(kind, origin);
  await tlsContract(await start("2"), folder);
  await nghttpContract(edge, folder);
  await h2loadContract(edge, folder);
  if (h2spec === undefined) skip("h2spec", "there is no Go, or nothing to build with it");
  else h2specSuite(h2spec, edge, folder);

  const atoll = stack.use(await startAtoll());
  await platformContract(atoll);
  await chromiumContract(atoll, clients, join(folder, "page.png"));
}

/** What comes from elsewhere may not be to be had; why is said. */
async function unlessOffline(made: Promise<string | undefined>): Promise<string | undefined> {
  return made.catch((error: unknown) => {
    stderr.write(`${String(error)}\n`);
    return undefined;
  });
}

function byName(url: string): string {
  const { protocol, port } = new URL(url);
  return `${protocol}//localhost:${port}`;
}

function skip(name: string, reason: string): void {
  test(name, { skip: notTested(name, reason) }, () => {});
}

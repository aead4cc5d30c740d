import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inParallel } from "../../support/until.ts";
import type { Ask, EdgeClientKind, Field, Lacks, Seen, Session } from "./client.ts";
import { contentOf, sha256 } from "./content.ts";
import { runTool } from "./tool.ts";

const EXCHANGE_TIMEOUT_SECONDS = "60";
const RUNS_AT_ONCE = 20;

/**
 * curl of this machine, with options that set its protocol: one run for each session, or for each
 * ask where it cannot use a connection again.
 */
export function curl(
  name: string,
  { url, caFile, options }: Target,
  version: "1.1" | "2",
  lacks: Lacks = {},
): EdgeClientKind {
  return {
    name: `curl, ${name}`,
    version,
    lacks,
    keeps: 1,
    decodes: false,
    run: async (asks, order = "in turn") => {
      const target = { url, caFile, options };
      if (lacks.reuse === undefined) return runCurl(target, asks, order);
      const width = order === "at once" ? RUNS_AT_ONCE : 1;
      return (await inParallel(asks, width, (ask) => runCurl(target, [ask], order))).flat();
    },
  };
}

interface Target {
  readonly url: string;
  readonly caFile: string;
  readonly options: readonly string[];
}

/** What `--write-out %{json}` tells, as far as it is used here. */
interface WriteOut {
  readonly http_version: string;
  readonly response_code: number;
  readonly local_port: number;
  readonly size_download: number;
  readonly errormsg: string | null;
}

async function runCurl(target: Target, asks: readonly Ask[], order: Session["order"]) {
  const folder = await mkdtemp(join(tmpdir(), "atoll-curl-"));
  try {
    const args: string[] = [];
    for (const [index, ask] of asks.entries()) {
      if (index > 0) args.push("--next");
      args.push("--write-out", `${index} %{json}\n`);
      args.push(...(await argumentsOf(target, ask, join(folder, String(index)))));
    }
    const parallel = order === "at once" ? ["--parallel", "--parallel-max", "200"] : [];
    const { stdout, stderr } = await runTool("curl", ["--disable", ...parallel, ...args]);
    // In parallel they end in any order.
    const written = new Map(
      stdout.split("\n").map((line) => {
        const space = line.indexOf(" ");
        return [line.slice(0, space), line.slice(space + 1)];
      }),
    );
    return await Promise.all(
      asks.map((_, index) => {
        const json = written.get(String(index));
        if (json === undefined) throw new Error(`curl tells nothing of ${index}\n${stderr}`);
        return seenOf(JSON.parse(json) as WriteOut, join(folder, String(index)));
      }),
    );
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function argumentsOf(target: Target, ask: Ask, path: string): Promise<string[]> {
  const { method, fields = {}, body } = ask;
  const args = ["--silent", "--show-error", "--max-time", EXCHANGE_TIMEOUT_SECONDS];
  args.push("--noproxy", "*", "--cacert", target.caFile, ...target.options);
  args.push("--output", `${path}.body`, "--dump-header", `${path}.head`);
  if (method === "HEAD") args.push("--head");
  else args.push("--request", method);
  for (const [name, value] of Object.entries(fields)) args.push("--header", `${name}: ${value}`);
  if (body !== undefined) {
    await writeFile(`${path}.sent`, contentOf(body.bytes));
    args.push("--header", "content-type: application/octet-stream");
    if (!body.declared) args.push("--header", "transfer-encoding: chunked");
    args.push("--data-binary", `@${path}.sent`);
  }
  return [...args, target.url + ask.path];
}

async function seenOf(written: WriteOut, path: string): Promise<Seen> {
  // After a HEAD its output is the head.
  const empty = written.size_download === 0;
  const content = empty ? Buffer.alloc(0) : await readFile(`${path}.body`);
  const { errormsg } = written;
  return {
    ...(errormsg === null ? {} : { error: errormsg }),
    status: written.response_code,
    version: written.http_version,
    bytes: content.length,
    sha256: sha256(content),
    connection: String(written.local_port),
    ...readHeads(await readFile(`${path}.head`, "latin1")),
  };
}

/** Heads, each ended by an empty line: of interim responses, of the response, and its trailers. */
function readHeads(text: string): Pick<Seen, "fields" | "trailers" | "interim"> {
  const interim: Seen["interim"][number][] = [];
  let fields: readonly Field[] = [];
  let trailers: readonly Field[] = [];
  for (const block of text.split("\r\n\r\n").filter((one) => one.trim() !== "")) {
    const [first = "", ...lines] = block.trim().split("\r\n");
    const status = Number(/^HTTP\/\S+ (\d{3})/.exec(first)?.[1] ?? 0);
    if (status === 0) trailers = [first, ...lines].map(fieldOf);
    else if (status < 200) interim.push({ status, fields: lines.map(fieldOf) });
    else fields = lines.map(fieldOf);
  }
  return { fields, trailers, interim };
}

function fieldOf(line: string): Field {
  const colon = line.indexOf(":");
  return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
}

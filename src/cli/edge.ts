import { type Command, InvalidArgumentError, Option } from "commander";
import type { EdgeConfig } from "#edge-alone.ts";
import { defaultWorkers, WORKERS_MAX } from "#worker-count.ts";
import { addExplainCommand } from "./edge-explain.ts";
import type { World } from "./world.ts";

const ABOUT = `
The edge alone: a cache in front of one HTTP origin, as one would run nginx or Varnish. It answers on
every Host, passes every method and status, and stores what RFC 9111 lets a shared cache store.
Prints "ready" and its addresses once it listens. It stops on SIGINT and SIGTERM: what is in flight is
finished, for 10 seconds at most. Certificate and key files that change are taken up by themselves.`;

const ORIGIN = "--origin <url>";
const PORT = "--port <number>";
const REQUIRED: ReadonlySet<string> = new Set([ORIGIN, PORT]);

/** `atoll edge` */
export function addEdgeCommand(program: Command, world: World): void {
  const command = program
    .command("edge")
    .description("run the edge alone, in front of any HTTP origin");
  addOptions(command)
    .addHelpText("after", ABOUT)
    .action(async (options: EdgeConfig) => {
      requireOptions(command);
      // Loaded here, so that every other command starts without the edge.
      const { serveEdge } = await import("#edge-alone.ts");
      await serveEdge(options, { stdout: (line) => world.stdout(line), signal: world.signal });
    });
  addExplainCommand(command, world);
}

/** Explaining needs neither: commander would ask for both all the same. */
function requireOptions(command: Command): void {
  for (const option of command.options) {
    const isMissing = command.getOptionValue(option.attributeName()) === undefined;
    if (isMissing && REQUIRED.has(option.flags)) {
      command.error(`error: required option '${option.flags}' not specified`);
    }
  }
}

function addOptions(command: Command): Command {
  const port = integer("a port number, 0 for any free one", 0, 65_535);
  return command
    .option(ORIGIN, "where everything comes from: http://127.0.0.1:3000", originUrl)
    .option(PORT, "the plain port: HTTP/1.1, and HTTP/2 to who begins with it", port)
    .option("--host <address>", "where to listen", "127.0.0.1")
    .option(
      "--tls-port <number>",
      "the TLS port: HTTP/2 and HTTP/1.1; needs --cert and --key",
      port,
    )
    .option("--cert <file>", "certificate chain, PEM")
    .option("--key <file>", "its private key, PEM")
    .addOption(
      new Option(
        "--default-ttl <seconds>",
        "freshness of what the origin gives none; none: RFC 9111's",
      )
        .default("none")
        .argParser(defaultTtl),
    )
    .addOption(
      new Option("--workers <number>", "processes, each with a memory of its own")
        .default(defaultWorkers(), "as many as cores")
        .argParser(integer("a number of processes", 1, WORKERS_MAX)),
    )
    .option(
      "--memory <bytes>",
      "for stored responses, per worker",
      integer("bytes, at least 16777216", 16_777_216, 2 ** 40),
      268_435_456,
    )
    .option("--disk <folder>", "for stored responses, of all workers together")
    .option(
      "--disk-bytes <bytes>",
      "what may be kept there",
      integer("bytes, at least 16777216", 16_777_216, 2 ** 50),
      10_737_418_240,
    )
    .option("--access-log <file>", "a line per request; - for standard output")
    .addOption(
      new Option("--access-log-format <format>", "how its lines look")
        .choices(["json", "combined"])
        .default("json"),
    )
    .option("--metrics-port <number>", "answers /metrics (Prometheus) on the loopback", port)
    .addOption(
      new Option("--log-level <level>", "of what is logged on standard error")
        .choices(["debug", "info", "warn", "error", "silent"])
        .default("info"),
    );
}

function integer(what: string, min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= min && value <= max) return value;
    throw new InvalidArgumentError(`expected ${what}`);
  };
}

function defaultTtl(text: string): number | "none" {
  return text === "none" ? text : integer("seconds, or none", 0, 2 ** 31)(text);
}

function originUrl(text: string): string {
  const url = URL.parse(text);
  const usable =
    url !== null && /^https?:$/.test(url.protocol) && url.username === "" && url.password === "";
  if (usable && url.search === "" && url.hash === "") return text;
  throw new InvalidArgumentError("expected an http(s) URL without credentials or query");
}

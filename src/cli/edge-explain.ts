import { type Command, InvalidArgumentError } from "commander";
import { request } from "undici";
import { z } from "zod";
import { connect } from "./api.ts";
import { readRefusal, readReply } from "./reply.ts";
import { printable, type Session, sessionOf } from "./session.ts";
import { CommandError, type World } from "./world.ts";

const Steps = z.array(z.looseObject({ step: z.string(), lines: z.array(z.string()) }));
const Reply = z.looseObject({
  explanation: z.looseObject({
    decided: Steps,
    workers: z.array(z.looseObject({ slots: z.array(z.number()), found: Steps })),
    missing: z.number(),
  }),
});
type Explanation = z.output<typeof Reply>["explanation"];

type Headers = Readonly<Record<string, string>>;

interface ExplainOptions {
  readonly method: string;
  readonly header?: Headers;
  readonly metricsPort?: number;
}

const HELP = `
The running server is asked (ATOLL_DATA_DIR, or ATOLL_URL and ATOLL_TOKEN), of endpoints of the account's
own; with --metrics-port, the atoll edge of this machine that was started with the same. Nothing is
fetched, and nothing is different afterwards: what is stored is not even used.`;

/** Wide enough for the longest name of a step. */
const STEP_WIDTH = 10;

/** `atoll edge explain` */
export function addExplainCommand(edge: Command, world: World): void {
  edge
    .command("explain")
    .description("say what would become of a request, and why")
    .argument("<url>", "as a client would ask for it")
    .option("--method <method>", "of the request", "GET")
    .option("--header <name: value>", "of the request, may be repeated", parseHeader)
    // Taken by `atoll edge`, which has it too: here for the help.
    .option("--metrics-port <number>", "of the atoll edge that is asked")
    // Nor are the others of `atoll edge` for this.
    .configureHelp({ showGlobalOptions: false })
    .addHelpText("after", HELP)
    .action(async (url: string, _: object, command: Command) => {
      const session = sessionOf(world, command);
      const reply = await ask(session, url, command.optsWithGlobals<ExplainOptions>());
      session.show(reply, () => explanationLines(reply.explanation).map(printable));
    });
}

async function ask(
  session: Session,
  url: string,
  { method, header = {}, metricsPort }: ExplainOptions,
): Promise<z.output<typeof Reply>> {
  if (metricsPort !== undefined) {
    const query = new URLSearchParams({ url, method });
    for (const [name, value] of Object.entries(header)) query.append("header", `${name}: ${value}`);
    return await askEdge(metricsPort, query, session.world.signal);
  }
  await using api = await connect(session);
  const body = { url, method, headers: header };
  return await api.call({ method: "POST", path: "/v2/cdn/explain", body }, Reply);
}

/** The edge alone has no API, and answers on the loopback only. */
async function askEdge(
  port: number,
  query: URLSearchParams,
  signal: AbortSignal,
): Promise<z.output<typeof Reply>> {
  const where = `http://127.0.0.1:${port}`;
  const reply = await request(`${where}/explain?${query.toString()}`, { signal }).catch(
    (error: unknown) => {
      if (!(error instanceof Error)) throw error;
      const { code = error.message } = error as NodeJS.ErrnoException;
      const hint = "Expected the --metrics-port of an atoll edge that runs.";
      throw new CommandError(`Cannot talk to ${where}: ${code}. ${hint}`, { cause: error });
    },
  );
  if (reply.statusCode !== 200) throw await readRefusal(reply.statusCode, undefined, reply.body);
  return await readReply(Reply, reply.body);
}

function explanationLines({ decided, workers, missing }: Explanation): readonly string[] {
  const late = missing === 0 ? [] : [`${missing} of the workers did not answer in time`];
  const found = workers.flatMap((group) => {
    const lines = stepLines(group.found);
    // All do the same, mostly: then it is not said who.
    return workers.length === 1 || lines.length === 0 ? lines : [headingOf(group.slots), ...lines];
  });
  return [...stepLines(decided), ...found, ...late];
}

function headingOf(slots: readonly number[]): string {
  return `${slots.length === 1 ? "worker" : "workers"} ${slots.join(", ")}:`;
}

function stepLines(steps: z.output<typeof Steps>): readonly string[] {
  return steps.flatMap(({ step, lines }) =>
    lines.map((line, i) => `${(i === 0 ? step : "").padEnd(STEP_WIDTH)}${line}`),
  );
}

/** RFC 9110 §5.3: lines of one name are one value. */
function parseHeader(text: string, before: Headers = {}): Headers {
  const [, name = "", value = ""] = /^([^\s:]+):(.*)$/s.exec(text) ?? [];
  if (name === "") throw new InvalidArgumentError("Expected 'name: value'.");
  const known = before[name.toLowerCase()];
  const joined = known === undefined ? value.trim() : `${known}, ${value.trim()}`;
  return { ...before, [name.toLowerCase()]: joined };
}

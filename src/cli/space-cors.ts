import type { Command } from "commander";
import { z } from "zod";
import { type Api, connect } from "./api.ts";
import { Nothing } from "./reply.ts";
import { sessionOf, table } from "./session.ts";
import { readSmallFile } from "./small-file.ts";
import { findSpace, spacePath } from "./spaces.ts";
import { CommandError, usageError, type World } from "./world.ts";

/** The server takes 64 KiB without the spaces between; with them, as a person writes it. */
const FILE_BYTES_MAX = 262_144;

const CorsReply = z.looseObject({
  CORSRules: z.array(
    z.looseObject({
      AllowedOrigins: z.array(z.string()),
      AllowedMethods: z.array(z.string()),
      AllowedHeaders: z.array(z.string()).nullish(),
      ExposeHeaders: z.array(z.string()).nullish(),
      MaxAgeSeconds: z.number().nullish(),
    }),
  ),
});
type CorsReply = z.output<typeof CorsReply>;

interface CorsOptions {
  readonly file?: string;
  readonly delete?: true;
  readonly region?: string;
}

const HELP = `
The file is JSON as S3 and its tools have it:
  {"CORSRules": [{"AllowedOrigins": ["https://www.example.com"], "AllowedMethods": ["GET"],
                  "AllowedHeaders": ["*"], "ExposeHeaders": ["etag"], "MaxAgeSeconds": 3600}]}
Without --file or --delete, the rules are shown.`;

/** `atoll space cors` */
export function addCorsCommand(program: Command, world: World): void {
  const space = program.commands.find((command) => command.name() === "space");
  if (space === undefined) throw new Error("addSpaceCommands comes first");
  space
    .command("cors")
    .description("show, replace or remove the rules for requests from other origins")
    .argument("<name>", "the Space")
    .option("--file <file>", "the rules that take the place of all that there are")
    .option("--delete", "remove them: what the Space's store itself answers stands")
    .option("--region <region>", "where the name is taken in several")
    .addHelpText("after", HELP)
    .action(async (name: string, options: CorsOptions, command: Command) => {
      if (options.file !== undefined && options.delete === true) {
        throw usageError("--file and --delete exclude one another.");
      }
      const session = sessionOf(world, command);
      const body = options.file === undefined ? undefined : await readRules(options.file);
      await using api = await connect(session);
      const path = `${spacePath(await findSpace(api, name, options.region))}/cors`;
      if (options.delete === true) {
        await api.call({ method: "DELETE", path }, Nothing);
        session.show({ CORSRules: [] }, () => [`${name} has no CORS rules any more`]);
        return;
      }
      const rules = await putOrGet(api, path, body);
      session.show(rules, () => rulesTable(name, rules));
    });
}

async function putOrGet(api: Api, path: string, body: object | undefined): Promise<CorsReply> {
  if (body === undefined) return api.call({ method: "GET", path }, CorsReply);
  return api.call({ method: "PUT", path, body }, CorsReply);
}

async function readRules(path: string): Promise<object> {
  const text = await readSmallFile(path, FILE_BYTES_MAX);
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null) return value;
  } catch (cause) {
    throw new CommandError(`${path} is not JSON: ${(cause as Error).message}`, { cause });
  }
  throw new CommandError(`${path} is not a JSON object: expected {"CORSRules": [...]}.`);
}

function rulesTable(name: string, { CORSRules }: CorsReply): readonly string[] {
  if (CORSRules.length === 0) return [`${name} has no CORS rules`];
  const rows = CORSRules.map((rule) => [
    rule.AllowedOrigins.join(","),
    rule.AllowedMethods.join(","),
    rule.AllowedHeaders?.join(",") ?? "",
    rule.ExposeHeaders?.join(",") ?? "",
    String(rule.MaxAgeSeconds ?? ""),
  ]);
  return table([["ORIGINS", "METHODS", "HEADERS", "EXPOSED", "MAX AGE"], ...rows]);
}

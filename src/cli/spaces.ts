import { open } from "node:fs/promises";
import type { Command } from "commander";
import { z } from "zod";
import { type Api, connect } from "./api.ts";
import { Nothing } from "./reply.ts";
import { sessionOf, table } from "./session.ts";
import { CommandError, usageError, type World } from "./world.ts";

const PATH = "/atoll/v1/spaces";
const CREDENTIALS_BYTES_MAX = 65_536;

const Space = z.looseObject({
  name: z.string(),
  region: z.string(),
  origin: z.string(),
  upstream: z.string().nullish(),
  created_at: z.string(),
  object_count: z.number(),
  size_bytes: z.number(),
});

/** What a Space is known by. */
export interface SpaceName {
  readonly name: string;
  readonly region: string;
}

const Credentials = z.object({
  access_key_id: z.string().min(1),
  secret_access_key: z.string().min(1),
  region: z.string().min(1).optional(),
});

interface CreateOptions {
  readonly region: string;
  readonly upstream?: string;
  readonly credentialsFile?: string;
  readonly credentials: boolean;
}

const CREATE_HELP = `
An upstream's credentials never stand on the command line. They come from --credentials-file, JSON
{"access_key_id": …, "secret_access_key": …, "region": …}, or from AWS_ACCESS_KEY_ID and
AWS_SECRET_ACCESS_KEY (and AWS_REGION).`;

/** `atoll space create|list|delete` */
export function addSpaceCommands(program: Command, world: World): void {
  const space = program.command("space").description("Spaces: where origins live");
  space
    .command("create")
    .description("make a Space, embedded or in front of another store")
    .argument("<name>")
    .requiredOption("--region <region>", "as nyc3")
    .option("--upstream <url>", "as https://{space}.{region}.digitaloceanspaces.com")
    .option("--credentials-file <file>", "the upstream's credentials")
    .option("--no-credentials", "the upstream is public, whatever the environment says")
    .addHelpText("after", CREATE_HELP)
    .action(async (name: string, options: CreateOptions, command: Command) => {
      const session = sessionOf(world, command);
      const { region, upstream } = options;
      const credentials = await upstreamCredentials(options, world);
      await using api = await connect(session);
      const body = {
        name,
        region,
        ...(upstream === undefined ? {} : { upstream }),
        ...(credentials === undefined ? {} : { credentials }),
      };
      const Reply = z.looseObject({ space: Space });
      const reply = await api.call({ method: "POST", path: PATH, body }, Reply);
      session.show(reply, () => spaceTable([reply.space]));
    });
  space
    .command("list")
    .description("list the Spaces")
    .action(async (_: object, command: Command) => {
      const session = sessionOf(world, command);
      await using api = await connect(session);
      const spaces = await api.list(PATH, "spaces", Space);
      session.show({ spaces }, () => spaceTable(spaces));
    });
  space
    .command("delete")
    .description("remove an empty Space that nothing serves")
    .argument("<name>")
    .option("--region <region>", "where the name is taken in several")
    .action(async (name: string, { region }: { region?: string }, command: Command) => {
      const session = sessionOf(world, command);
      await using api = await connect(session);
      const found = await findSpace(api, name, region);
      await api.call({ method: "DELETE", path: spacePath(found) }, Nothing);
      session.show({ deleted: found }, () => [`deleted ${found.name} in ${found.region}`]);
    });
}

/** The path of a Space in the API. */
export function spacePath({ name, region }: SpaceName): string {
  return `${PATH}/${encodeURIComponent(region)}/${encodeURIComponent(name)}`;
}

/**
 * The Space of that name; its region may be left out while there is only one.
 * @throws CommandError when there is none, or more than one
 */
export async function findSpace(
  api: Api,
  name: string,
  region: string | undefined,
): Promise<SpaceName> {
  if (region !== undefined) return { name, region };
  const found = (await api.list(PATH, "spaces", Space)).filter((space) => space.name === name);
  const regions = found.map((space) => space.region);
  const [first, ...others] = regions;
  if (first === undefined) {
    throw new CommandError(
      `There is no Space ${name}. Make it: atoll space create ${name} --region nyc3`,
    );
  }
  if (others.length === 0) return { name, region: first };
  throw usageError(`${name} is in ${regions.toSorted().join(", ")}: say which by --region.`);
}

async function upstreamCredentials(
  { upstream, credentialsFile, credentials }: CreateOptions,
  { env }: World,
): Promise<z.output<typeof Credentials> | undefined> {
  if (upstream === undefined) {
    if (credentialsFile === undefined) return undefined;
    throw usageError("--credentials-file is for an --upstream.");
  }
  if (credentialsFile !== undefined) return readCredentials(credentialsFile);
  const id = env["AWS_ACCESS_KEY_ID"];
  const secret = env["AWS_SECRET_ACCESS_KEY"];
  if (!credentials || !id || !secret) return undefined;
  const region = env["AWS_REGION"];
  return { access_key_id: id, secret_access_key: secret, ...(region ? { region } : {}) };
}

async function readCredentials(path: string): Promise<z.output<typeof Credentials>> {
  await using file = await open(path, "r").catch((error: Error) => {
    throw new CommandError(`Cannot read the credentials: ${error.message}`, { cause: error });
  });
  const { bytesRead, buffer } = await file.read(Buffer.alloc(CREDENTIALS_BYTES_MAX));
  let value: unknown;
  try {
    value = JSON.parse(buffer.toString("utf8", 0, bytesRead));
  } catch {
    // The parser's message quotes what it read, which is a secret.
    throw new CommandError(`${path} is not JSON: expected access_key_id and secret_access_key.`);
  }
  const parsed = Credentials.safeParse(value);
  if (parsed.success) return parsed.data;
  const members = parsed.error.issues.map((issue) => issue.path.join(".") || "an object");
  throw new CommandError(
    `${path} lacks ${members.join(", ")}, or has it empty or of another type.`,
  );
}

function spaceTable(spaces: readonly z.output<typeof Space>[]): readonly string[] {
  const rows = spaces.map((space) => [
    space.name,
    space.region,
    space.origin,
    String(space.object_count),
    String(space.size_bytes),
    space.upstream ?? "embedded",
  ]);
  return table([["NAME", "REGION", "ORIGIN", "OBJECTS", "BYTES", "STORE"], ...rows]);
}

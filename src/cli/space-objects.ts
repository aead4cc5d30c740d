import { basename } from "node:path";
import { type Command, InvalidArgumentError } from "commander";
import { connect, headerValue } from "./api.ts";
import { deleteObject, listObjects, putObject, type SpaceObject } from "./objects.ts";
import { printable, type Session, sessionOf } from "./session.ts";
import { addSyncCommand } from "./space-sync.ts";
import { findSpace } from "./spaces.ts";
import { CommandError, usageError, type World } from "./world.ts";

interface PutOptions {
  readonly key?: string;
  readonly cacheControl?: string;
  readonly contentType?: string;
  readonly meta?: Readonly<Record<string, string>>;
  readonly region?: string;
}

const REGION = ["--region <region>", "where the name is taken in several"] as const;

/** `atoll space put|sync|ls|rm` */
export function addObjectCommands(program: Command, world: World): void {
  const space = program.commands.find((command) => command.name() === "space");
  if (space === undefined) throw new Error("addSpaceCommands comes first");
  addPut(space, world);
  addSyncCommand(space, world);
  addLs(space, world);
  addRm(space, world);
}

function addPut(space: Command, world: World): void {
  space
    .command("put")
    .description("store files, each under its base name or the key that is given")
    .argument("<name>", "the Space")
    .argument("<file...>")
    .option("--key <key>", "of a single file")
    .option("--cache-control <value>", "as max-age=3600; it rules over an endpoint's TTL")
    .option("--content-type <type>", "instead of what the key's extension says")
    .option("--meta <key=value>", "metadata, may be repeated", parseMeta)
    .option(...REGION)
    .action(async (name: string, files: string[], options: PutOptions, command: Command) => {
      if (options.key !== undefined && files.length > 1) throw usageError("--key is for one FILE.");
      const headers = putHeaders(options);
      const session = sessionOf(world, command);
      await using api = await connect(session);
      const target = await findSpace(api, name, options.region);
      const objects: SpaceObject[] = [];
      const failed = await eachAlone(session, files, async (path) => {
        const key = options.key ?? basename(path);
        const object = await putObject(api, target, { path, key, headers });
        objects.push(object);
        if (session.output === "text") world.stdout(objectLine(object));
      });
      session.show({ objects, failed }, () => []);
      refuseFailed(failed, files.length);
    });
}

function addLs(space: Command, world: World): void {
  space
    .command("ls")
    .description("list objects in the order of their keys")
    .argument("<name>", "the Space")
    .argument("[prefix]", "of their keys", "")
    .option(...REGION)
    .action(
      async (name: string, prefix: string, { region }: { region?: string }, command: Command) => {
        const session = sessionOf(world, command);
        await using api = await connect(session);
        const objects = listObjects(api, await findSpace(api, name, region), prefix);
        // A Space may hold millions: each is printed as it comes, in either form.
        if (session.output === "text") {
          for await (const object of objects) world.stdout(objectLine(object));
          return;
        }
        let separator = "";
        world.stdout('{"objects":[');
        for await (const object of objects) {
          world.stdout(separator + JSON.stringify(object));
          separator = ",";
        }
        world.stdout("]}");
      },
    );
}

function addRm(space: Command, world: World): void {
  space
    .command("rm")
    .description("remove objects; what edges have of them stays until its TTL ends or a purge")
    .argument("<name>", "the Space")
    .argument("<key...>")
    .option(...REGION)
    .action(
      async (name: string, keys: string[], { region }: { region?: string }, command: Command) => {
        const session = sessionOf(world, command);
        await using api = await connect(session);
        const target = await findSpace(api, name, region);
        const deleted: string[] = [];
        const failed = await eachAlone(session, keys, async (key) => {
          await deleteObject(api, target, key);
          deleted.push(key);
        });
        session.show({ deleted, failed }, () => deleted.map((key) => `deleted ${printable(key)}`));
        refuseFailed(failed, keys.length);
      },
    );
}

interface Failed {
  readonly name: string;
  readonly message: string;
  readonly request_id: string | undefined;
}

/** One that fails is told of and does not stop the others; a lost connection does. */
async function eachAlone(
  { world }: Session,
  names: readonly string[],
  work: (name: string) => Promise<void>,
): Promise<readonly Failed[]> {
  const failed: Failed[] = [];
  for (const name of names) {
    try {
      await work(name);
    } catch (error) {
      world.signal.throwIfAborted();
      if (!(error instanceof CommandError)) throw error;
      // The only one: its own message is the whole answer.
      if (names.length === 1) throw error;
      const { message, requestId } = error;
      failed.push({ name, message, request_id: requestId });
      const id = requestId === undefined ? "" : ` (request_id ${requestId})`;
      world.stderr(`atoll: ${printable(name)}: ${message}${id}`);
    }
  }
  return failed;
}

function refuseFailed(failed: readonly Failed[], all: number): void {
  if (failed.length > 0) throw new CommandError(`${failed.length} of ${all} failed.`);
}

function putHeaders({ cacheControl, contentType, meta }: PutOptions): Record<string, string> {
  return {
    ...meta,
    ...(cacheControl === undefined
      ? {}
      : { "cache-control": headerValue(cacheControl, "--cache-control") }),
    ...(contentType === undefined
      ? {}
      : { "content-type": headerValue(contentType, "--content-type") }),
  };
}

/** S3's metadata are fields of the request: a name is a token, a value is ASCII. */
function parseMeta(
  text: string,
  before: Readonly<Record<string, string>> | undefined,
): Readonly<Record<string, string>> {
  const match = /^([A-Za-z0-9_-]{1,128})=([\x20-\x7e]{0,2048})$/.exec(text);
  if (match === null) throw new InvalidArgumentError("Expected key=value, both in ASCII.");
  return { ...before, [`x-amz-meta-${match[1]?.toLowerCase()}`]: match[2] ?? "" };
}

function objectLine({ key, size_bytes, last_modified }: SpaceObject): string {
  return `${last_modified}  ${String(size_bytes).padStart(12)}  ${printable(key)}`;
}

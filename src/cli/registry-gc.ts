import { setTimeout as pause } from "node:timers/promises";
import { type Command, Option } from "commander";
import { z } from "zod";
import { type Api, connect } from "./api.ts";
import { registryPath } from "./registry-path.ts";
import { sessionOf } from "./session.ts";
import { CommandError, type World } from "./world.ts";

const TYPES = {
  blobs: "unreferenced blobs only",
  manifests: "untagged manifests only",
  both: "untagged manifests and unreferenced blobs",
} as const;

/** A collection of a small registry takes a second. */
const LOOK_EVERY_MS = 500;

const Collection = z.looseObject({
  uuid: z.string(),
  status: z.string(),
  type: z.string(),
  blobs_deleted: z.number(),
  freed_bytes: z.number(),
});
type Collection = z.output<typeof Collection>;

const Reply = z.looseObject({ garbage_collection: Collection });

interface GcOptions {
  readonly type: keyof typeof TYPES;
  readonly wait: boolean;
}

const HELP = `
Pushes and pulls go on meanwhile. What was pushed within the last hour and not used yet stays.`;

/** `atoll registry gc` */
export function addGcCommand(registry: Command, world: World): void {
  registry
    .command("gc")
    .description("free what no image of a registry needs, and wait for it")
    .argument("<name>", "the registry")
    .addOption(
      new Option("--type <type>", "what to remove: blobs, untagged manifests, or both")
        .choices(Object.keys(TYPES))
        .default("both"),
    )
    .option("--no-wait", "return when it has been started")
    .addHelpText("after", HELP)
    .action(async (name: string, options: GcOptions, command: Command) => {
      const session = sessionOf(world, command);
      await using api = await connect(session);
      const path = `${registryPath(name)}/garbage-collection`;
      const body = { type: TYPES[options.type] };
      const started = (await api.call({ method: "POST", path, body }, Reply)).garbage_collection;
      const shown = options.wait ? await ended(api, `${path}s`, started, world) : started;
      session.show({ garbage_collection: shown }, () => [
        `${shown.status}: ${shown.blobs_deleted} blobs deleted, ${shown.freed_bytes} bytes freed`,
      ]);
      if (shown.status === "failed") throw new CommandError("The server's log says why it failed.");
    });
}

/** Waits until a collection has ended, however it did. */
async function ended(
  api: Api,
  path: string,
  { uuid }: Collection,
  { signal }: World,
): Promise<Collection> {
  const Page = z.looseObject({ garbage_collections: z.array(Collection) });
  for (;;) {
    const page = await api.call({ method: "GET", path }, Page);
    const found = page.garbage_collections.find((each) => each.uuid === uuid);
    if (found === undefined) throw new CommandError("The registry was deleted meanwhile.");
    if (["succeeded", "failed", "cancelled"].includes(found.status)) return found;
    await pause(LOOK_EVERY_MS, undefined, { signal });
  }
}

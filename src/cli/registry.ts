import type { Command } from "commander";
import { z } from "zod";
import { connect } from "./api.ts";
import { addGcCommand } from "./registry-gc.ts";
import { REGISTRIES_PATH as PATH, registryPath } from "./registry-path.ts";
import { addRetentionCommand } from "./registry-retention.ts";
import { Nothing } from "./reply.ts";
import { sessionOf, table } from "./session.ts";
import type { World } from "./world.ts";

const Registry = z.looseObject({
  name: z.string(),
  region: z.string(),
  created_at: z.string(),
  storage_usage_bytes: z.number(),
});
type Registry = z.output<typeof Registry>;

const Repository = z.looseObject({
  name: z.string(),
  tag_count: z.number(),
  manifest_count: z.number(),
});

interface CreateOptions {
  readonly tier?: string;
  readonly region?: string;
}

/** `atoll registry …` */
export function addRegistryCommands(program: Command, world: World): void {
  const registry = program.command("registry").description("container registries of an account");
  registry
    .command("create")
    .description("make a registry")
    .argument("<name>", "lower-case letters, digits and dashes; unique here")
    .option("--tier <tier>", "starter, basic or professional (default: the account's, or starter)")
    .option("--region <region>", "as nyc3")
    .action(async (name: string, { tier, region }: CreateOptions, command: Command) => {
      const session = sessionOf(world, command);
      await using api = await connect(session);
      const body = {
        name,
        ...(tier === undefined ? {} : { subscription_tier_slug: tier }),
        ...(region === undefined ? {} : { region }),
      };
      const Reply = z.looseObject({ registry: Registry });
      const reply = await api.call({ method: "POST", path: PATH, body }, Reply);
      session.show(reply, () => registryTable([reply.registry]));
    });
  registry
    .command("list")
    .description("list the account's registries")
    .action(async (_: object, command: Command) => {
      const session = sessionOf(world, command);
      await using api = await connect(session);
      const Reply = z.looseObject({ registries: z.array(Registry) });
      const { registries } = await api.call({ method: "GET", path: PATH }, Reply);
      session.show({ registries }, () => registryTable(registries));
    });
  addShowCommand(registry, world);
  registry
    .command("delete")
    .description("delete a registry, and every image that it has")
    .argument("<name>")
    .action(async (name: string, _: object, command: Command) => {
      const session = sessionOf(world, command);
      await using api = await connect(session);
      await api.call({ method: "DELETE", path: registryPath(name) }, Nothing);
      session.show({ deleted: name }, () => [`deleted ${name}`]);
    });
  addGcCommand(registry, world);
  addRetentionCommand(registry, world);
}

function addShowCommand(registry: Command, world: World): void {
  registry
    .command("show")
    .description("show a registry and its repositories")
    .argument("<name>")
    .action(async (name: string, _: object, command: Command) => {
      const session = sessionOf(world, command);
      await using api = await connect(session);
      const path = registryPath(name);
      const Reply = z.looseObject({ registry: Registry });
      const reply = await api.call({ method: "GET", path }, Reply);
      const repositories = await api.list(`${path}/repositoriesV2`, "repositories", Repository);
      session.show({ ...reply, repositories }, () => [
        ...registryTable([reply.registry]),
        "",
        ...table([
          ["REPOSITORY", "TAGS", "MANIFESTS"],
          ...repositories.map((each) => [
            each.name,
            String(each.tag_count),
            String(each.manifest_count),
          ]),
        ]),
      ]);
    });
}

function registryTable(registries: readonly Registry[]): readonly string[] {
  const rows = registries.map(({ name, region, storage_usage_bytes: bytes, created_at: at }) => [
    name,
    region,
    String(bytes),
    at,
  ]);
  return table([["NAME", "REGION", "BYTES", "CREATED"], ...rows]);
}

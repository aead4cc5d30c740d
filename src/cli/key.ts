import type { Command } from "commander";
import { readConfig } from "#config.ts";
import { sessionOf } from "./session.ts";
import type { World } from "./world.ts";

/** `atoll key rotate` */
export function addKeyCommands(program: Command, world: World): void {
  program
    .command("key")
    .description("the master key, which secrets in the database are sealed under")
    .command("rotate")
    .description("make a new one and seal all secrets anew; while no server runs")
    .action(async (_: object, command: Command) => {
      const session = sessionOf(world, command);
      // Other commands need no database.
      const { rotateMasterKey } = await import("#key-rotate.ts");
      const config = readConfig(world.env);
      const secrets = await rotateMasterKey(config);
      session.show({ rotated: { secrets } }, () => [
        `${secrets} secrets are under a new master key`,
      ]);
    });
}

import type { Command } from "commander";
import { readConfig } from "#config.ts";
import type { World } from "./world.ts";

const ABOUT = `
The server is configured by environment variables alone; docs/operating.md lists them. It stops on
SIGINT and SIGTERM: what is in flight is finished, for 10 seconds at most.`;

/** `atoll serve` */
export function addServeCommand(program: Command, world: World): void {
  program
    .command("serve")
    .description("run the platform: API, Spaces and the edge")
    .addHelpText("after", ABOUT)
    .action(async () => {
      const config = readConfig(world.env);
      // Loaded here, so that every other command starts without the platform.
      const { serve } = await import("#main.ts");
      await serve(config, { stdout: (line) => world.stdout(line), signal: world.signal });
    });
}

import process from "node:process";
import type { Command } from "commander";
import { type Config, readConfig, unknownVariables } from "#config.ts";
import { type Check, fail, ok, warn } from "./check.ts";
import { checkClock, checkDisk, checkFolder, checkNode, checkPorts } from "./check-machine.ts";
import { checkCa, checkServer } from "./check-server.ts";
import { dataDirectory, readRuntime } from "./server.ts";
import { sessionOf } from "./session.ts";
import { CommandError, type World } from "./world.ts";

/** `atoll doctor` */
export function addDoctorCommand(program: Command, world: World): void {
  program
    .command("doctor")
    .description("check this machine, the configuration and the server, and say what to do")
    .addHelpText("after", "\nExits with 1 when a check fails; a warning is not a failure.")
    .action(async (_: object, command: Command) => {
      const session = sessionOf(world, command);
      const checks = await examine(world);
      session.show({ checks }, () => checks.map(line));
      const failed = checks.filter(({ status }) => status === "fail").length;
      if (failed > 0) throw new CommandError(`${failed} of ${checks.length} checks failed.`);
    });
}

async function examine(world: World): Promise<readonly Check[]> {
  const dataDir = dataDirectory(world.env);
  const runtime = await readRuntime(dataDir);
  const { config, checks } = checkConfiguration(world);
  return [
    checkNode(process.versions.node),
    ...checks,
    await checkFolder(dataDir, process.getuid?.()),
    await checkDisk(dataDir),
    await checkClock(dataDir, world.clock),
    ...(config === undefined ? [] : await checkPorts(config, runtime)),
    await checkCa(dataDir, world.clock),
    await checkServer(dataDir, runtime, world.signal),
  ];
}

function checkConfiguration({ env }: World): { config?: Config; checks: readonly Check[] } {
  const typos = unknownVariables(env).map((name) =>
    warn("configuration", `${name} is no variable of Atoll: docs/operating.md lists them`),
  );
  try {
    const config = readConfig(env);
    return {
      config,
      checks: typos.length > 0 ? typos : [ok("configuration", "every variable is understood")],
    };
  } catch (error) {
    const mistakes = (error as Error).message.split("\n").slice(1);
    return { checks: [...mistakes.map((text) => fail("configuration", text.trim())), ...typos] };
  }
}

function line({ status, name, message }: Check): string {
  return `${status.padEnd(4)}  ${name.padEnd(13)}  ${message}`;
}

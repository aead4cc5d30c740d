import assert from "node:assert/strict";
import { Command, CommanderError, Option } from "commander";
import { VERSION } from "#version.ts";
import { addAccountCommands } from "./accounts.ts";
import { addBackupCommands } from "./backup.ts";
import { addCaCommands } from "./ca.ts";
import { addCdnCommands } from "./cdn.ts";
import { addCertificateCommands } from "./certificates.ts";
import { addDoctorCommand } from "./doctor.ts";
import { addEdgeCommand } from "./edge.ts";
import { addKeyCommands } from "./key.ts";
import { addRegistryCommands } from "./registry.ts";
import { addServeCommand } from "./serve.ts";
import { addCorsCommand } from "./space-cors.ts";
import { addObjectCommands } from "./space-objects.ts";
import { addSpaceCommands } from "./spaces.ts";
import { addTokenCommands } from "./tokens.ts";
import { CommandError, type World } from "./world.ts";

const ABOUT = `
A command finds the running server by the data folder (ATOLL_DATA_DIR, ./data by default), or by
ATOLL_URL and ATOLL_TOKEN.

Exit codes: 0 done; 1 refused or failed, the reason is on standard error; 2 not understood.`;

/** Runs one command and says with what code to exit. */
export async function runAtoll(argv: readonly string[], world: World): Promise<number> {
  const program = atollProgram(world);
  try {
    await program.parseAsync(argv, { from: "user" });
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    const output: unknown = program.opts()["output"];
    report(error, world, output === "json" ? "json" : "text");
    return error instanceof CommandError ? error.exitCode : 1;
  }
}

function atollProgram(world: World): Command {
  const program = new Command("atoll")
    .description("An edge platform that anyone can run, behind DigitalOcean's API v2")
    .version(VERSION, "--version")
    .addOption(
      new Option("--output <format>", "how to print").choices(["text", "json"]).default("text"),
    )
    .option("--account <email>", "act as this account (with the operator's credential only)")
    .addHelpText("after", ABOUT)
    // Before the commands are added: they inherit it.
    .exitOverride()
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => world.stdout(text.trimEnd()),
      writeErr: (text) => world.stderr(text.trimEnd()),
    });
  addServeCommand(program, world);
  addEdgeCommand(program, world);
  addDoctorCommand(program, world);
  addSpaceCommands(program, world);
  addObjectCommands(program, world);
  addCorsCommand(program, world);
  addCdnCommands(program, world);
  addCertificateCommands(program, world);
  addRegistryCommands(program, world);
  addTokenCommands(program, world);
  addAccountCommands(program, world);
  addCaCommands(program, world);
  addKeyCommands(program, world);
  addBackupCommands(program, world);
  return program;
}

/** A refusal is a sentence; only a bug of ours is a stack trace. */
function report(error: unknown, world: World, output: "json" | "text"): void {
  if (!(error instanceof Error) || isBug(error)) {
    world.stderr(`atoll: this is a bug in Atoll ${VERSION}; please report it.`);
    world.stderr(error instanceof Error ? (error.stack ?? error.message) : String(error));
    return;
  }
  const { message } = error;
  const { id, requestId } = error instanceof CommandError ? error : {};
  if (output === "json") {
    world.stderr(JSON.stringify({ id: id ?? "error", message, request_id: requestId }));
    return;
  }
  // The configuration's own message begins with what failed, and is a list.
  const prefix = message.startsWith("Cannot start:") ? "" : "atoll: ";
  const suffix = requestId === undefined ? "" : ` (request_id ${requestId})`;
  world.stderr(`${prefix}${message}${suffix}`);
}

/** Mistakes of the program have classes of their own; the rest is the world's. */
function isBug(error: Error): boolean {
  const bugs = [TypeError, RangeError, ReferenceError, SyntaxError, assert.AssertionError];
  return bugs.some((bug) => error instanceof bug);
}

import type { Command } from "commander";
import { z } from "zod";
import type { World } from "./world.ts";

/** One run of one command: the world, and how its answer is wanted. */
export interface Session {
  readonly world: World;
  readonly output: "json" | "text";
  /** E-mail of the account to act as; the operator alone may say so. */
  readonly account: string | undefined;
  /** Prints an answer: the value as JSON, or the lines as text. */
  show(value: object, lines: () => Iterable<string>): void;
}

const Options = z.object({ output: z.enum(["json", "text"]), account: z.string().optional() });

/** Reads the options that every command has. */
export function sessionOf(world: World, command: Command): Session {
  const { output, account } = Options.parse(command.optsWithGlobals());
  return {
    world,
    output,
    account,
    show: (value, lines) => {
      if (output === "json") world.stdout(JSON.stringify(value, undefined, 2));
      else for (const line of lines()) world.stdout(line);
    },
  };
}

/** Columns, two spaces apart; the first row is the heading. */
export function table(rows: readonly (readonly string[])[]): readonly string[] {
  const shown = rows.map((row) => row.map(printable));
  const widths = (shown[0] ?? []).map((_, column) =>
    Math.max(...shown.map((row) => row[column]?.length ?? 0)),
  );
  return shown.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}

/** A key or a name may hold what a terminal would obey: it is shown, not sent. */
export function printable(text: string): string {
  // oxlint-disable-next-line no-control-regex -- they are what is looked for
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}

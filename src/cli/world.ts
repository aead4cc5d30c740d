import type { Clock } from "#clock.ts";

/** All that a command sees of the machine, so that tests can be one. */
export interface World {
  readonly env: NodeJS.ProcessEnv;
  readonly clock: Clock;
  /** Aborted when the command should stop: a signal, or the launcher is gone. */
  readonly signal: AbortSignal;
  /** A line of the answer, and nothing else. */
  stdout(line: string): void;
  /** A line for the person at the terminal. */
  stderr(line: string): void;
}

/** A command that was understood and cannot be done; or, with 2, one that was not. */
export class CommandError extends Error {
  readonly exitCode: 1 | 2;
  /** What the server called it. */
  readonly id: string | undefined;
  readonly requestId: string | undefined;

  constructor(
    message: string,
    options: ErrorOptions & {
      readonly exitCode?: 1 | 2;
      readonly id?: string | undefined;
      readonly requestId?: string | undefined;
    } = {},
  ) {
    super(message, options);
    this.name = "CommandError";
    this.exitCode = options.exitCode ?? 1;
    this.id = options.id;
    this.requestId = options.requestId;
  }
}

/** A mistake in the arguments that the parser cannot see. */
export function usageError(message: string): CommandError {
  return new CommandError(message, { exitCode: 2 });
}

import { type DestinationStream, destination, pino, stdTimeFunctions } from "pino";

/** Data are fields in snake_case with their units in the name; the message is a literal. */
type Fields = Readonly<Record<string, unknown>>;

/** `info`: a wide event; `warn`: look this week; `error`: a cause is attached. */
export interface Logger {
  info(fields: Fields, message: string): void;
  warn(fields: Fields, message: string): void;
  error(fields: Fields, message: string): void;
}

export const LOG_LEVELS = ["debug", "info", "warn", "error", "silent"] as const;

/** Fields whose values are never written. */
const SECRETS: ReadonlySet<string> = new Set([
  "authorization",
  "cookie",
  "set-cookie",
  "private_key",
  "secret_access_key",
  "secretAccessKey",
  "token",
  "secret",
]);

/**
 * JSON lines on standard error: standard output is for the person who started the program. Written
 * behind the loop's back and flushed at exit, so that a slow terminal holds nobody up.
 */
export function createLogger(
  level: string,
  stream: DestinationStream = destination({ fd: 2, sync: false }),
): Logger {
  const log = pino(
    {
      level,
      base: null,
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }), log: redacted },
    },
    stream,
  );
  return {
    info: (fields, message) => log.info(fields, message),
    warn: (fields, message) => log.warn(fields, message),
    error: (fields, message) => log.error(fields, message),
  };
}

function redacted(fields: Record<string, unknown>): Record<string, unknown> {
  const names = Object.keys(fields).filter((name) => SECRETS.has(name));
  if (names.length === 0) return fields;
  return { ...fields, ...Object.fromEntries(names.map((name) => [name, "[redacted]"])) };
}

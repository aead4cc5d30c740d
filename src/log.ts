import { type DestinationStream, destination, pino } from "pino";

/** Data are fields in snake_case with their units in the name; the message is a literal. */
export type Fields = Readonly<Record<string, unknown>>;

/** `info`: a wide event; `warn`: look this week; `error`: a cause is attached. */
export interface Logger {
  info(fields: Fields, message: string): void;
  warn(fields: Fields, message: string): void;
  error(fields: Fields, message: string): void;
}

export const LOG_LEVELS = ["debug", "info", "warn", "error", "silent"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Names that are never written, wherever they stand in an event. */
const SECRET_FIELDS = [
  "authorization",
  "cookie",
  "set-cookie",
  "private_key",
  "secret_access_key",
  "secretAccessKey",
  "token",
  "secret",
];

/** JSON lines on standard error: standard output is for the person who started the program. */
export function createLogger(
  level: string,
  stream: DestinationStream = destination({ fd: 2, sync: true }),
): Logger {
  const log = pino(
    {
      level,
      base: null,
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      redact: {
        paths: SECRET_FIELDS.flatMap((name) => [`["${name}"]`, `*["${name}"]`]),
        censor: "[redacted]",
      },
    },
    stream,
  );
  return {
    info: (fields, message) => log.info(fields, message),
    warn: (fields, message) => log.warn(fields, message),
    error: (fields, message) => log.error(fields, message),
  };
}

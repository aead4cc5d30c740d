import { STATUS_CODES } from "node:http";

const STATUS_LINES = new Map<number, string>();

/** Status line of HTTP/1.1, made once per status. */
export function statusLine(status: number): string {
  const known = STATUS_LINES.get(status);
  if (known !== undefined) return known;
  const line = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}\r\n`;
  STATUS_LINES.set(status, line);
  return line;
}

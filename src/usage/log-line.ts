import { flatText } from "#flat-text.ts";
import { REMEMBERED_TEXTS_MAX } from "./limits.ts";
import { jsonText, loggedUrl, loggedValue, quotedText } from "./log-text.ts";

/** What a line tells of one exchange. It keeps no reference to the reply, whose content is large. */
export interface AccessRecord {
  /** When the exchange ended, in milliseconds since the epoch. */
  readonly at: number;
  /** Ours: letters, digits and hyphens. */
  readonly requestId: string;
  /** IP address. */
  readonly client: string;
  /** `TLSv1.3` or `TLSv1.2`. */
  readonly tls: string | undefined;
  readonly request: LoggedRequest;
  readonly status: number;
  /** As in `x-cache`. */
  readonly cache: string;
  /** Ours, as `requestId`. */
  readonly endpointId: string | undefined;
  /** Octets of content that were sent. */
  readonly bytes: number;
  /** Whether that was all. */
  readonly whole: boolean;
  readonly tookMs: number;
}

/** What a line tells of a request, in strings of one character per octet. */
export interface LoggedRequest {
  readonly version: string;
  readonly method: string;
  readonly target: string;
  readonly host: string;
  /** Names in lower case, and values, alternating. */
  readonly fields: readonly string[];
}

/** Makes a line, newline included. Of ASCII alone, so that a length is a number of octets. */
export type LineFormat = (record: AccessRecord) => string;

export const LOG_FORMATS = ["json", "combined"] as const;
export type LogFormat = (typeof LOG_FORMATS)[number];

export function lineFormat(format: LogFormat): LineFormat {
  return format === "json" ? jsonFormat() : combinedFormat();
}

/** `000` to `999`: the digits after a decimal point, without arithmetic on text. */
const THOUSANDTHS = Array.from({ length: 1_000 }, (_, n) => String(n).padStart(3, "0"));

/** One JSON object a line. Members that would say nothing are left out. */
function jsonFormat(): LineFormat {
  const secondText = cachedBySecond(
    (second) => `{"time":"${new Date(second * 1_000).toISOString().slice(0, 20)}`,
  );
  const asker = sameAsLast(askerText);
  const answer = sameAsLast(answerText);
  const agentText = remembered((agent) => `,"user_agent":"${jsonText(loggedValue(agent))}"`);
  return (record) => {
    const { at, request } = record;
    const { fields } = request;
    const second = Math.floor(at / 1_000);
    const referer = fieldLine(fields, "referer");
    const userAgent = fieldLine(fields, "user-agent");
    // Few pieces: each costs as much as what it says.
    let line =
      `${secondText(second)}${THOUSANDTHS[Math.floor(at - second * 1_000)]}Z","request_id":"` +
      `${record.requestId}${asker(record)}${jsonText(loggedUrl(request.target))}${answer(record)}` +
      `${record.bytes},"duration_ms":${milliseconds(record.tookMs)}`;
    if (referer !== undefined) line += `,"referer":"${jsonText(loggedUrl(referer))}"`;
    if (userAgent !== undefined) line += agentText(userAgent);
    return line + (record.whole ? "}\n" : ',"aborted":true}\n');
  };
}

/** What lines of one connection have in common before the target. */
const askerText: Piece = {
  of: ({ client, request }) =>
    `","client":"${plainAddress(client)}","method":"${jsonText(loggedValue(request.method))}",` +
    `"host":"${jsonText(loggedValue(request.host))}","target":"`,
  isSame: (a, b) =>
    a.client === b.client &&
    a.request.method === b.request.method &&
    a.request.host === b.request.host,
};

/** What most lines have in common behind it. */
const answerText: Piece = {
  of: ({ request, tls, status, cache, endpointId }) =>
    `","protocol":"${request.version}"${tls === undefined ? "" : `,"tls":"${tls}"`},` +
    `"status":${status},"cache":"${cache}"` +
    `${endpointId === undefined ? "" : `,"endpoint_id":"${endpointId}"`},"bytes":`,
  isSame: (a, b) =>
    a.status === b.status &&
    a.cache === b.cache &&
    a.endpointId === b.endpointId &&
    a.tls === b.tls &&
    a.request.version === b.request.version,
};

/** A part of a line, and whether two records have the same. */
interface Piece {
  readonly of: (record: AccessRecord) => string;
  readonly isSame: (a: AccessRecord, b: AccessRecord) => boolean;
}

/** Lines come in runs that differ in little: what is equal is not written again. */
function sameAsLast({ of, isSame }: Piece): (record: AccessRecord) => string {
  let last: AccessRecord | undefined;
  let text = "";
  return (record) => {
    if (last !== undefined && isSame(last, record)) return text;
    last = record;
    text = flatText(of(record));
    return text;
  };
}

/** Apache's and nginx's `combined`, in UTC. */
function combinedFormat(): LineFormat {
  const timeText = cachedBySecond(commonLogTime);
  return (record) => {
    const { request } = record;
    const referer = fieldLine(request.fields, "referer");
    const userAgent = fieldLine(request.fields, "user-agent");
    return (
      `${plainAddress(record.client)} - - [${timeText(Math.floor(record.at / 1_000))}] ` +
      `"${request.method === "GET" ? "GET" : quotedText(loggedValue(request.method))} ${quotedText(loggedUrl(request.target))} ` +
      `${request.version}" ${record.status} ${record.bytes} ` +
      `"${referer === undefined ? "-" : quotedText(loggedUrl(referer))}" ` +
      `"${userAgent === undefined ? "-" : quotedText(loggedValue(userAgent))}"\n`
    );
  };
}

/** `22/Nov/2026:12:00:00 +0000` */
function commonLogTime(second: number): string {
  const [, day, month, year, time] = new Date(second * 1_000).toUTCString().split(" ");
  return `${day}/${month}/${year}:${time} +0000`;
}

/** Thousands of lines have the same second. */
function cachedBySecond(write: (second: number) => string): (second: number) => string {
  let last = Number.NaN;
  let text = "";
  return (second) => {
    if (second === last) return text;
    last = second;
    text = flatText(write(second));
    return text;
  };
}

/** Few hosts and few clients make up nearly all lines. */
function remembered(write: (text: string) => string): (text: string) => string {
  const known = new Map<string, string>();
  return (text) => {
    const before = known.get(text);
    if (before !== undefined) return before;
    if (known.size >= REMEMBERED_TEXTS_MAX) known.clear();
    const written = flatText(write(text));
    known.set(text, written);
    return written;
  };
}

/** To the microsecond, and never in exponents. */
function milliseconds(ms: number): string {
  const us = Math.max(0, Math.round(ms * 1_000));
  const whole = Math.floor(us / 1_000);
  return `${whole}.${THOUSANDTHS[us - whole * 1_000]}`;
}

/** The first line of a field: a second Referer or User-Agent is nobody's. */
function fieldLine(fields: readonly string[], name: string): string | undefined {
  for (let i = 0; i < fields.length; i += 2) {
    if (fields[i] === name) return fields[i + 1];
  }
  return undefined;
}

/** An IPv4 client of a socket for both families, as everybody writes it. */
function plainAddress(address: string): string {
  return address.startsWith("::ffff:") ? address.slice(7) : address;
}

import type { IncomingMessage, ServerResponse } from "node:http";
import { selectRange } from "#http/range.ts";
import type { OriginObject } from "../../support/object-origin.ts";
import { octetsOf } from "../../support/octets.ts";
import type { Random } from "../random.ts";

type Lie = (request: IncomingMessage, response: ServerResponse, object: OriginObject) => unknown;

/** How much longer than it is a body is said to be: whoever is told so gets less, and a cut. */
export const EXAGGERATIONS = [1_000, 1] as const;
const [MUCH, LITTLE] = EXAGGERATIONS;

/** Answers in ways in which no origin should. None of it may reach anybody as what it is not. */
export async function tellLie(
  request: IncomingMessage,
  response: ServerResponse,
  object: OriginObject,
  random: Random,
): Promise<void> {
  await random.pick(LIES)(request, response, object);
}

const LIES: readonly [Lie, ...Lie[]] = [
  /** More is announced than comes. */
  (_, response, { name, length, fields }) => {
    response.writeHead(200, { ...fields, "content-length": length + MUCH });
    response.write(octetsOf(name, 0, length));
    response.socket?.end();
  },
  /** A part that was not asked for. Less than was asked for would be an answer (RFC 9110 §15.3.7). */
  ({ headers: { range: asked = "" } }, response, { name, length, fields }) => {
    const wanted = selectRange(asked, length);
    const isAll = wanted.kind !== "range" || wanted.last + 1 - wanted.first === length;
    if (asked.includes(",") || isAll) return response.destroy();
    const first = wanted.first === 0 ? 1 : 0;
    const last = wanted.first === 0 ? wanted.last + 1 : wanted.last;
    const range = `bytes ${first}-${last}/${length}`;
    const head = { ...fields, "content-range": range, "content-length": last + 1 - first };
    return response.writeHead(206, head).end(octetsOf(name, first, last + 1));
  },
  /** A part that is shorter than it says. */
  (_, response, { name, length, fields }) => {
    const said = length + LITTLE;
    const head = { ...fields, "content-range": `bytes 0-${said - 1}/${said}` };
    response.writeHead(206, { ...head, "content-length": length }).end(octetsOf(name, 0, length));
  },
  (_, response) => response.socket?.end("SSH-2.0-OpenSSH_9.6\r\n"),
  /** Nobody had asked whether it has changed. */
  (_, response, { fields }) => response.socket?.end(`HTTP/1.1 304 Same\r\n${linesOf(fields)}\r\n`),
  (_, response) => response.socket?.end(`HTTP/1.1 200 OK\r\nx-long: ${"a".repeat(99_999)}\r\n\r\n`),
  /** The chunks never end. */
  (_, response, { name, length, fields }) => {
    response.writeHead(200, fields).write(octetsOf(name, 0, length));
    response.socket?.end();
  },
  /**
   * What is asked for, and an answer to what nobody has asked. In one write: what came later could not
   * be told from the answer to a request that went out meanwhile.
   */
  (_, response, { name, length, fields }) => {
    const answer = rawAnswer(fields, octetsOf(name, 0, length));
    const lasting = { "x-version": "0", "cache-control": "max-age=86400" };
    response.socket?.write(Buffer.concat([answer, rawAnswer(lasting, Buffer.from("forged"))]));
  },
];

function rawAnswer(fields: Readonly<Record<string, string>>, body: Buffer): Buffer {
  const head = `HTTP/1.1 200 OK\r\n${linesOf(fields)}content-length: ${body.length}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head), body]);
}

function linesOf(fields: Readonly<Record<string, string>>): string {
  return Object.entries(fields)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join("");
}

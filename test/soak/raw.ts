import { setTimeout as delay } from "node:timers/promises";
import { Client as RawClient } from "../unit/edge/client.ts";
import type { Soak } from "./client.ts";
import type { Tracked } from "./connections.ts";
import { anyQuestion, get, hitPath, LARGE_BYTES, largePath, type Question } from "./question.ts";
import type { Random } from "./random.ts";

/** Clients that no library would be: on sockets of their own, in the clear. */
export interface RawParts extends Soak {
  readonly port: number;
  readonly random: Random;
}

interface Raw {
  readonly client: RawClient;
  readonly tracked: Tracked;
}

function connect({ port, connections }: RawParts): Raw {
  const client = new RawClient(port);
  return { client, tracked: connections.track(client.socket) };
}

function headOf({ method, path, fields }: Question): string {
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\n${lines.join("")}\r\n`;
}

/** Reads the answers to these questions, in order, and takes them down. */
async function takeDown(
  name: string,
  questions: readonly Question[],
  { client, tracked }: Raw,
  { tally, connections }: RawParts,
): Promise<void> {
  for (const question of questions) {
    const end = tally.began(name, question);
    try {
      const { status, fields, body, whole } = await client.receive(question.method);
      if (!whole) throw new Error(`cut short after ${body.length} octets`);
      tally.answered(name, question, { status, fields: Object.fromEntries(fields), body });
    } catch (error) {
      const { excuse } = tracked;
      tally.broke(name, question, error, { excuse, tell: () => connections.tell(tracked) });
    } finally {
      end();
    }
  }
}

function questionsWithoutBody(random: Random, count: number): readonly Question[] {
  return Array.from({ length: count }, () => {
    const question = anyQuestion(random);
    return question.body === undefined ? question : get(hitPath(random));
  });
}

/** Several requests in one write, answered in order. */
export async function pipelined(parts: RawParts): Promise<void> {
  const raw = connect(parts);
  using client = raw.client;
  const questions = questionsWithoutBody(parts.random, parts.random.between(2, 6));
  client.send(questions.map(headOf).join(""));
  await takeDown("pipelining", questions, raw, parts);
}

/** A head that comes in pieces. */
export async function trickled(parts: RawParts): Promise<void> {
  const raw = connect(parts);
  using client = raw.client;
  const { random } = parts;
  const questions = questionsWithoutBody(random, 1);
  const head = questions.map(headOf).join("");
  for (let at = 0; at < head.length; ) {
    const end = at + random.between(1, 12);
    client.send(head.slice(at, end));
    at = end;
    await delay(random.between(1, 40));
  }
  await takeDown("trickled head", questions, raw, parts);
}

/** A client that ends its side as soon as it has asked, and reads on. */
export async function halfClosed(parts: RawParts): Promise<void> {
  const raw = connect(parts);
  using client = raw.client;
  const questions = questionsWithoutBody(parts.random, 1);
  client.send(questions.map(headOf).join(""));
  client.end();
  await takeDown("half-closed", questions, raw, parts);
}

/** Asks for something large, reads nothing of it, and is gone. */
export async function stalled(parts: RawParts): Promise<void> {
  const { client } = connect(parts);
  const { random } = parts;
  client.socket.pause();
  client.send(headOf(get(largePath(random))));
  await delay(random.between(500, 4_000));
  client.socket.resetAndDestroy();
}

/** What is said before a reset: anything up to the middle of a request's content. */
const BEGINNINGS = [
  "",
  "G",
  "GET /hit/1-811 HTTP/1.1\r\nhost: 127.0.0.1\r\nx-half: a",
  "GET /hit/1-811 HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n",
  `GET /hit/large-${LARGE_BYTES} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n`,
  `GET /pass/large-${LARGE_BYTES} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n`,
  "POST /echo HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 100000\r\n\r\nnot all",
  "POST /echo HTTP/1.1\r\nhost: 127.0.0.1\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n",
  "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
  "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0",
  // A TLS record that says more than comes.
  "\x16\x03\x01\x02\0\x01\0\x01",
] as const;

/** Says something, and resets the connection; also on the TLS port, where it is not understood. */
export async function rude(parts: RawParts): Promise<void> {
  const { client } = connect(parts);
  const { random } = parts;
  client.send(random.pick([...BEGINNINGS]));
  await delay(random.between(0, 60));
  if (random.below(4) === 0) client.socket.destroy();
  else client.socket.resetAndDestroy();
}

import type { Readable, Writable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { setTimeout as delay } from "node:timers/promises";
import type { Connections } from "./connections.ts";
import type { AnswerHead, Line } from "./line.ts";
import type { Question } from "./question.ts";
import type { Random } from "./random.ts";
import type { Tally } from "./tally.ts";

/** What all clients have in common. */
export interface Soak {
  readonly tally: Tally;
  readonly connections: Connections;
  /** Aborted when the load has to end. */
  readonly signal: AbortSignal;
}

/** One client: who it is called, what it asks by, and what it chooses by. */
export interface Client extends Soak {
  readonly name: string;
  readonly line: Line;
  readonly random: Random;
}

/** How the content of a request is sent, and how that of an answer is read. */
export interface Manner {
  send(upload: Writable, body: Buffer, random: Random): Promise<void>;
  receive(content: Readable, random: Random): Promise<Buffer>;
}

const AT_ONCE: Manner = {
  send: async (upload, body) => {
    upload.end(body);
  },
  receive: (content) => buffer(content),
};

export const SLOW_READER: Manner = {
  ...AT_ONCE,
  receive: async (content, random) => {
    // Nothing at all is read at first, until all that lies between us is full.
    await delay(random.between(200, 2_500));
    const chunks: Buffer[] = [];
    let unread = 0;
    for await (const chunk of content as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      unread += chunk.length;
      if (unread < 131_072) continue;
      unread = 0;
      await delay(random.between(1, 60));
    }
    return Buffer.concat(chunks);
  },
};

export const SLOW_SENDER: Manner = {
  ...AT_ONCE,
  send: async (upload, body, random) => {
    for (let at = 0; at < body.length; ) {
      const end = at + random.between(1, 12_000);
      upload.write(body.subarray(at, end));
      at = end;
      await delay(random.between(1, 80));
    }
    upload.end();
  },
};

/** Asks one question, and takes down what became of it. */
export async function ask(
  { name, line, random, tally }: Client,
  question: Question,
  manner: Manner = AT_ONCE,
): Promise<void> {
  const begun = line.begin(question);
  const end = tally.began(name, question);
  let head: AnswerHead | undefined;
  try {
    const answered = async () => {
      head = await begun.head;
      const { status, fields, content } = head;
      const body = await manner.receive(content, random);
      await begun.whole();
      return { status, fields, body };
    };
    const { body } = question;
    const sent = body === undefined ? undefined : manner.send(begun.upload, body, random);
    const [answer] = await Promise.all([answered(), sent]);
    tally.answered(name, question, answer);
  } catch (error) {
    const excuse = begun.excuse() ?? question.excuseFor?.(head);
    const tell = (): string => `${begun.tell()}; ${JSON.stringify(head?.fields)}`;
    tally.broke(name, question, error, { excuse, tell });
  } finally {
    end();
  }
}

/** Begins a question, and breaks it off somewhere. */
export async function askAndReset(client: Client, question: Question): Promise<void> {
  const { name, line, random, tally } = client;
  const begun = line.begin(question);
  const end = tally.began(name, question);
  const { body } = question;
  const ignore = () => undefined;
  let unread: Readable | undefined;
  begun.head.then(({ content }) => {
    unread = content.on("error", ignore);
    return unread;
  }, ignore);
  if (body !== undefined) begun.upload.write(body.subarray(0, random.below(body.length)));
  try {
    // A head that does not come before all is sent is not waited for.
    if (body === undefined && random.below(3) > 0) {
      const { content } = await begun.head;
      if (random.below(2) === 0) content.once("data", () => content.pause());
    }
    await delay(random.between(0, 40));
    begun.reset();
    await begun.head;
    const excuse = "reset by the client";
    tally.broke(name, question, new Error(excuse), { excuse, tell: () => begun.tell() });
  } catch (error) {
    const excuse = begun.excuse() ?? question.excuseFor?.(undefined);
    tally.broke(name, question, error, { excuse, tell: () => begun.tell() });
  } finally {
    // It may have come whole before the reset: a session would wait for who reads it.
    unread?.destroy();
    end();
  }
}

import { Agent, type ClientRequest, request as httpRequest, type IncomingMessage } from "node:http";
import { pipeline } from "node:stream/promises";
import type { Clock } from "#clock.ts";
import type { PlatformName } from "#feed/message.ts";
import { forwardedField } from "#http/forwarded.ts";
import { HOP_SECRET_FIELD } from "#http/hop-secret.ts";
import { API_IDLE_TIMEOUT_MS } from "#limits.ts";
import type { Logger } from "#log.ts";
import { Body } from "../cache/body.ts";
import type { MemoryBudget } from "../cache/memory-budget.ts";
import type { Exchange } from "../exchange.ts";
import { FieldSection, fieldOf, fieldSection } from "../fields.ts";
import { clientFields } from "../origin/forwarded-fields.ts";
import { trailerFields } from "../origin/trailer-fields.ts";
import { hasContent } from "../passed-reply.ts";
import { errorReply, type Reply } from "../reply.ts";
import type { RequestHead } from "../request.ts";
import { endToEndFields } from "../response-head.ts";

/** What requests are handed over with. */
export interface HandoverParts {
  readonly budget: MemoryBudget;
  readonly clock: Clock;
  readonly log: Logger;
}

/** A request for a name of the platform's own, on its way to the control plane. */
interface Handed {
  readonly request: RequestHead;
  readonly exchange: Exchange;
  readonly requestId: string;
  readonly to: PlatformName;
}

/** Of a worker: each is a connection of the control plane's, which takes 4,096. */
const HANDED_OVER_MAX = 500;

/** The control plane ends what does not move before it comes to this. */
const TIMEOUT_MS = API_IDLE_TIMEOUT_MS + 10_000;

/** Said by the edge alone, whatever becomes of a client's other fields. */
const OF_THE_HOP = [HOP_SECRET_FIELD, "forwarded"];

const NO_FIELDS = new FieldSection("");

/**
 * Hands requests to the control plane as they are, decrypted, and its answers back: nothing is cached,
 * and bodies of any size pass, each as fast as its reader takes it.
 */
export class Handover {
  readonly #parts: HandoverParts;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: HANDED_OVER_MAX });
  #underWay = 0;

  constructor(parts: HandoverParts) {
    this.#parts = parts;
  }

  async hand(handed: Handed): Promise<void> {
    if (this.#underWay >= HANDED_OVER_MAX) {
      this.#refuse(handed, 503, "Too many requests are under way.", "retry-after: 1\r\n");
      return;
    }
    this.#underWay += 1;
    try {
      await this.#hand(handed);
    } finally {
      this.#underWay -= 1;
    }
  }

  async #hand(handed: Handed): Promise<void> {
    const { exchange } = handed;
    const outgoing = this.#ask(handed);
    const answered = responseOf(outgoing);
    exchange.whenLeft(() => outgoing.destroy());
    outgoing.on("information", ({ statusCode, rawHeaders }) => {
      exchange.inform(statusCode, endToEndFields(rawHeaders));
    });
    const sent = sendContent(outgoing, handed);
    const response = await answered;
    if (response instanceof Error) {
      await sent;
      if (exchange.left) return;
      this.#parts.log.warn(
        { err: response, request_id: handed.requestId },
        "request not handed over",
      );
      this.#refuse(handed, 502, "The control plane did not answer.");
      return;
    }
    await this.#giveBack(handed, response);
    // What was answered before all of it had come is not waited for.
    if (!outgoing.writableFinished) outgoing.destroy();
    await sent;
  }

  #ask({ request, exchange, to }: Handed): ClientRequest {
    const { client } = exchange;
    const proto = client.tls === undefined ? "http" : "https";
    const headers = ["host", request.host, ...without(clientFields(request, "all"), OF_THE_HOP)];
    headers.push("forwarded", forwardedField({ address: client.address, proto }));
    headers.push(HOP_SECRET_FIELD, to.secret, ...framing(request));
    if (expectsContinue(request)) headers.push("expect", "100-continue");
    return httpRequest({
      host: "127.0.0.1",
      port: to.port,
      method: request.method,
      path: request.target,
      headers,
      setDefaultHeaders: false,
      agent: this.#agent,
      timeout: TIMEOUT_MS,
    });
  }

  async #giveBack({ request, exchange, requestId }: Handed, response: IncomingMessage) {
    const { statusCode: status = 502, rawHeaders } = response;
    const fields = endToEndFields(rawHeaders);
    const length = fieldOf(fields, "content-length");
    const reply: Reply = {
      status,
      section: fieldSection(without(fields, OF_THE_WIRE)),
      own: NO_FIELDS,
      requestId: fieldOf(fields, "x-request-id") ?? requestId,
      contentLength: length === undefined || status === 204 ? undefined : Number(length),
      cache: "BYPASS",
      live: undefined,
    };
    if (!hasContent(request.method, status)) {
      response.resume();
      exchange.respond(reply);
      return;
    }
    const body = new Body(this.#parts.budget, "windowed");
    exchange.respond({ ...reply, content: body.read() });
    await fill(body, response);
  }

  #refuse({ request, exchange, requestId }: Handed, status: number, reason: string, lines = "") {
    const now = this.#parts.clock.now();
    const error = { status, reason, requestId, now, lines, live: undefined };
    exchange.respond(errorReply(error, request.method));
  }
}

/** Added by the wire to each reply. */
const OF_THE_WIRE = ["content-length", "x-request-id"];

/** Fields but these, names and values alternating. */
function without(fields: readonly string[], names: readonly string[]): string[] {
  return fields.filter((_, i) => !names.includes(fields[i - (i % 2)] ?? ""));
}

/** RFC 9112 §6: as the client has framed it. */
function framing({ contentLength }: RequestHead): readonly string[] {
  if (contentLength === "unknown") return ["transfer-encoding", "chunked"];
  return contentLength === 0 ? [] : ["content-length", String(contentLength)];
}

/** RFC 9110 §10.1.1: the client sends nothing before it is told that its content is wanted. */
function expectsContinue({ fields }: RequestHead): boolean {
  return fieldOf(fields, "expect")?.toLowerCase() === "100-continue";
}

/** Whether content is wanted; else there is an answer already, or there will be none. */
function isContinued(outgoing: ClientRequest): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  outgoing.on("continue", () => resolve(true));
  outgoing.on("response", () => resolve(false));
  outgoing.on("close", () => resolve(false));
  return promise;
}

/** The head of the answer, or why there is none. */
function responseOf(outgoing: ClientRequest): Promise<IncomingMessage | Error> {
  const { promise, resolve } = Promise.withResolvers<IncomingMessage | Error>();
  outgoing.on("response", (response) => {
    // Whoever reads it hears of that, too; of one that nobody reads it is no matter.
    response.on("error", () => undefined);
    resolve(response);
  });
  outgoing.on("error", resolve);
  outgoing.on("close", () => resolve(new Error("the connection was closed")));
  outgoing.on("timeout", () => outgoing.destroy(new Error("nothing moved for too long")));
  return promise;
}

/** Never rejects: what breaks off breaks the request off, and that is told there. */
async function sendContent(outgoing: ClientRequest, { request, exchange }: Handed): Promise<void> {
  const { content } = exchange;
  if (content === undefined) {
    outgoing.end();
    return;
  }
  if (expectsContinue(request)) {
    outgoing.flushHeaders();
    if (!(await isContinued(outgoing))) return;
  }
  const whole = async function* whole(): AsyncGenerator<Buffer> {
    yield* content;
    const { trailers } = content;
    for (let i = 0; i < trailers.length; i += 2) {
      outgoing.addTrailers([[trailers[i] ?? "", trailers[i + 1] ?? ""]]);
    }
  };
  try {
    await pipeline(whole, outgoing);
  } catch {
    outgoing.destroy();
  }
}

/** Never rejects: an answer that breaks off is a truncated body. */
async function fill(body: Body, response: IncomingMessage): Promise<void> {
  body.whenUnread(() => response.destroy());
  try {
    for await (const chunk of response) {
      body.append(chunk as Buffer);
      await body.room();
    }
    body.end(response.complete ? "whole" : "truncated", trailerFields(response.rawTrailers));
  } catch {
    body.end("truncated");
  }
}

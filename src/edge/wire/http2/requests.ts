import { randomUUID } from "node:crypto";
import { unreachable } from "#unreachable.ts";
import type { Client } from "../../exchange.ts";
import { fieldOf } from "../../fields.ts";
import { errorReply } from "../../reply.ts";
import type { RequestHead } from "../../request.ts";
import type { Decoded } from "../hpack/decoder.ts";
import type { ConnectionParts } from "../parts.ts";
import { type ConnectionError, connectionError, ErrorCode } from "./frames.ts";
import { IncomingContent } from "./incoming-content.ts";
import type { Inflow } from "./inflow.ts";
import { parseRequest, trailersFault } from "./request-fields.ts";
import type { Sender } from "./sender.ts";
import type { PeerSettings } from "./settings.ts";
import { Stream } from "./stream.ts";
import type { Streams } from "./streams.ts";
import type { Tolerance } from "./tolerance.ts";

/** What the frames of one connection have their effects on. */
export interface ReceivingParts {
  readonly parts: ConnectionParts;
  readonly client: Client;
  readonly streams: Streams;
  readonly sender: Sender;
  readonly inflow: Inflow;
  readonly tolerance: Tolerance;
  readonly peer: PeerSettings;
}

/** A field section that could be decoded, or is too large to be kept. */
export type Section = Exclude<Decoded, { readonly kind: "malformed" }>;

/** Makes requests of field sections and has them served, and ends those whose peer errs. */
export class Requests {
  readonly #parts: ReceivingParts;
  #startedAt = 0;
  /** The last request without content: its section, if it comes again, is the same object. */
  #known: { readonly section: Section; readonly head: RequestHead } | undefined;

  constructor(parts: ReceivingParts) {
    this.#parts = parts;
  }

  /** By the stopwatch: when the heads that follow have come. */
  startAt(now: number): void {
    this.#startedAt = now;
  }

  /** A request has come (RFC 9113 §8.1). */
  begin(streamId: number, endStream: boolean, section: Section): ConnectionError | undefined {
    const known = this.#known;
    if (endStream && known?.section === section) {
      this.#serve(streamId, known.head, undefined);
      return undefined;
    }
    if (section.kind === "too-large") {
      this.#answer(streamId, endStream, 431, "the head is too long");
      return undefined;
    }
    const parsed = parseRequest(section.fields, endStream);
    switch (parsed.kind) {
      case "malformed":
        return this.streamError(streamId, ErrorCode.protocolError, parsed.reason);
      case "refused":
        this.#answer(streamId, endStream, parsed.status, parsed.reason);
        return undefined;
      case "request": {
        const { head } = parsed;
        if (endStream) this.#known = { section, head };
        this.#serve(streamId, head, endStream ? undefined : this.#incoming(streamId, head));
        return undefined;
      }
      default:
        return unreachable(parsed);
    }
  }

  /** HEADERS have come on a stream whose content has not ended (RFC 9113 §8.1). */
  trailers(streamId: number, endStream: boolean, section: Section): ConnectionError | undefined {
    if (section.kind === "too-large") {
      return this.streamError(streamId, ErrorCode.protocolError, "trailers that are too long");
    }
    const fault = endStream ? trailersFault(section.fields) : "HEADERS between DATA";
    if (fault !== undefined) return this.streamError(streamId, ErrorCode.protocolError, fault);
    const stream = this.#parts.streams.find(streamId);
    return stream === undefined ? undefined : this.endContent(stream, section.fields);
  }

  /** A section has come that nobody waits for: to decode it is all that it costs. */
  ignore(): ConnectionError | undefined {
    return this.#parts.tolerance.control();
  }

  /** END_STREAM has come after the head (RFC 9113 §5.1). */
  endContent(stream: Stream, trailers: readonly string[]): ConnectionError | undefined {
    if (stream.incoming?.end(trailers) === false) {
      // RFC 9113 §8.1.1.
      const reason = "content that is not as long as Content-Length says";
      return this.streamError(stream.id, ErrorCode.protocolError, reason);
    }
    if (stream.isComplete) this.#parts.streams.end(stream.id);
    return undefined;
  }

  /** RFC 9113 §5.4.2: a fault of the peer's. On a stream that is idle nothing may be sent. */
  streamError(streamId: number, code: ErrorCode, reason: string): ConnectionError | undefined {
    const { streams, sender, tolerance } = this.#parts;
    if (streams.find(streamId) === undefined && streams.standing(streamId) === "idle") {
      return connectionError(code, reason);
    }
    this.#parts.parts.faulted?.(reason);
    sender.reset(streamId, code, reason);
    return tolerance.reset();
  }

  #serve(streamId: number, head: RequestHead, incoming: IncomingContent | undefined): void {
    const stream = this.#open(streamId, head, incoming);
    this.#parts.parts.serve(head, stream);
  }

  /** What is refused is answered by the wire itself: nobody is asked, and nobody told. */
  #answer(streamId: number, endStream: boolean, status: number, reason: string): void {
    const incoming = endStream ? undefined : this.#incoming(streamId, undefined);
    const stream = this.#open(streamId, undefined, incoming);
    const now = this.#parts.parts.clock.now();
    const error = { status, reason, requestId: randomUUID(), now, live: undefined };
    stream.respond(errorReply(error, "GET"));
  }

  #open(
    id: number,
    request: RequestHead | undefined,
    incoming: IncomingContent | undefined,
  ): Stream {
    const { client, peer, sender, streams } = this.#parts;
    const startedAt = this.#startedAt;
    const sendWindowBytes = peer.initialWindowBytes;
    const stream = new Stream(
      { id, client, request, incoming, startedAt, sendWindowBytes },
      sender,
    );
    streams.open(stream);
    return stream;
  }

  #incoming(streamId: number, head: RequestHead | undefined): IncomingContent {
    const { parts, streams, inflow } = this.#parts;
    const expectsContinue =
      head !== undefined && fieldOf(head.fields, "expect")?.toLowerCase() === "100-continue";
    return new IncomingContent(head?.contentLength ?? "unknown", parts.clock.now(), {
      taken: (bytes) => {
        const stream = streams.find(streamId);
        if (stream === undefined) inflow.release(bytes);
        else inflow.releaseOf(stream, bytes);
      },
      wanted: () => {
        // RFC 9110 §10.1.1.
        if (expectsContinue) streams.find(streamId)?.inform(100, []);
      },
    });
  }
}

import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import { ContentReader } from "../../cache/content-reader.ts";
import { fieldSection } from "../../fields.ts";
import type { Reply } from "../../reply.ts";
import { statusLine } from "../../status-line.ts";
import { HoldUp } from "../hold-up.ts";
import type { Output } from "../output.ts";
import type { ConnectionParts } from "../parts.ts";
import { Uptake } from "../uptake.ts";

type WriteTerms = Pick<ConnectionParts, "writeStallMs">;

/** What the connection adds to a reply. */
export interface ReplyTerms {
  /** Whether a length that is not known is framed by chunks; else by the connection's end. */
  readonly chunked: boolean;
  /** The connection ends with it. */
  readonly last: boolean;
  /** Of the request; undefined if that could not be read. */
  readonly version: string | undefined;
}

/** The writing half of a connection: one reply after another, each as fast as its reader takes it. */
export class ReplyWriter {
  readonly #socket: Socket;
  readonly #output: Output;
  readonly #uptake: Uptake;
  readonly #holdUp = new HoldUp();
  readonly #written: () => void;
  #reader: ContentReader | undefined;
  /** All has been handed to the socket, which still refers to it. */
  #ended = false;
  #chunked = false;
  #sentBytes = 0;

  /** `written` is called after each streamed reply. */
  constructor(socket: Socket, output: Output, terms: WriteTerms, written: () => void) {
    this.#socket = socket;
    this.#output = output;
    this.#uptake = new Uptake(socket, terms.writeStallMs);
    this.#written = written;
  }

  /** Whether a reply is under way that the socket's "drain" takes further. */
  get streaming(): boolean {
    return this.#reader !== undefined;
  }

  /** Octets of the reply's content that were handed to the socket. */
  get sentBytes(): number {
    return this.#sentBytes;
  }

  /** Writes an interim response; to a peer who reads nothing none, so that no origin fills memory. */
  inform(status: number, fields: readonly string[]): void {
    if (this.#output.isFull) return;
    this.#output.text(`${statusLine(status)}${fieldSection(fields).text}\r\n`);
  }

  /** Writes a reply, and says whether that was all of it; if not, `written` will be called. */
  write(reply: Reply, terms: ReplyTerms): boolean {
    const { content, contentLength } = reply;
    const { chunked } = terms;
    const output = this.#output;
    output.text(reply.own.headOf(reply.status, reply.section, contentLength));
    if (chunked) output.text("transfer-encoding: chunked\r\n");
    output.text(`x-request-id: ${reply.requestId}\r\n${connectionLine(terms)}\r\n`);
    this.#sentBytes = 0;
    if (content instanceof ContentReader) {
      const small = chunked ? undefined : content.readSmall(output);
      if (small === undefined) {
        this.#stream(content, chunked);
        return false;
      }
      content.close();
      this.#sentBytes = small.length;
      output.bytes(small);
      return true;
    }
    if (content !== undefined) {
      this.#sentBytes = content.length;
      output.bytes(content);
    }
    return true;
  }

  /** Writes as long as the socket takes more and the body has more. */
  pump(): void {
    const reader = this.#reader;
    if (reader === undefined) return;
    while (!this.#output.isFull) {
      // Not before the kernel has it: what waits for a slow reader stays on that reader's account.
      if (this.#ended) return this.#finish();
      const state = this.#writeBatch(reader);
      if (state === "pending" && !this.#output.isFull) return;
      if (state === "truncated") {
        // RFC 9112 §8: cut, so that the client cannot take what it has for the whole.
        this.#cut();
        return;
      }
    }
  }

  /** Whether the peer reads next to nothing, or so little that others, who wait for it, starve. */
  isTooSlow(now: number): boolean {
    return this.#uptake.isTooSlow(now) || this.#holdUp.isTooSlow(this.#reader, now);
  }

  close(): void {
    this.#reader?.close();
    this.#reader = undefined;
    this.#ended = false;
  }

  /** The reader is closed at the end, or with the connection. */
  #stream(content: ContentReader, chunked: boolean): void {
    this.#reader = content;
    this.#chunked = chunked;
    content.whenReadable(() => this.pump());
    this.pump();
  }

  /** A reset, where there is one: TLS tells a cut from an end by itself (RFC 8446 §6.1). */
  #cut(): void {
    if (this.#socket instanceof TLSSocket) this.#socket.destroy();
    else this.#socket.resetAndDestroy();
  }

  #finish(): void {
    this.close();
    this.#written();
  }

  /** Hands the socket some of the body in one write. */
  #writeBatch(reader: ContentReader): "more" | "pending" | "end" | "truncated" {
    const output = this.#output;
    // Of a body that is kept anyway a write may refer to much; of another one it is what keeps it.
    const bytesMax = reader.isRetained ? output.batchBytesMax : 1;
    for (let bytes = 0; bytes < bytesMax; ) {
      const part = reader.read(this.#chunked ? undefined : output);
      if (typeof part !== "string") {
        this.#writePart(part);
        bytes += part.length;
        continue;
      }
      if (part === "end") this.#end(reader);
      output.flush();
      return part;
    }
    output.flush();
    return "more";
  }

  #writePart(part: Buffer): void {
    this.#sentBytes += part.length;
    if (this.#chunked) this.#output.text(`${part.length.toString(16)}\r\n`);
    this.#output.bytes(part);
    if (this.#chunked) this.#output.text("\r\n");
  }

  #end(reader: ContentReader): void {
    this.#ended = true;
    if (!this.#chunked) return;
    let trailers = "";
    for (let i = 0; i < reader.trailers.length; i += 2) {
      trailers += `${reader.trailers[i]}: ${reader.trailers[i + 1]}\r\n`;
    }
    this.#output.text(`0\r\n${trailers}\r\n`);
  }
}

/** RFC 9112 §9.6, §9.3: what the client has to know about the connection. */
function connectionLine({ last, version }: ReplyTerms): string {
  if (last) return "connection: close\r\n";
  return version === "HTTP/1.0" ? "connection: keep-alive\r\n" : "";
}

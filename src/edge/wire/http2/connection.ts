import type { Socket } from "node:net";
import type { Client } from "../../exchange.ts";
import { LINGER_TIMEOUT_MS, WRITE_STALL_TIMEOUT_MS } from "../../limits.ts";
import type { ConnectionParts, WireConnection } from "../parts.ts";
import { Uptake } from "../uptake.ts";
import { Deadlines, FINISHED } from "./deadlines.ts";
import { FrameReader } from "./frame-reader.ts";
import { FrameWriter } from "./frame-writer.ts";
import { type ConnectionError, connectionError, ErrorCode, PREFACE } from "./frames.ts";
import { Inflow } from "./inflow.ts";
import { Receiver } from "./receiver.ts";
import { Sender } from "./sender.ts";
import { PeerSettings } from "./settings.ts";
import { Streams } from "./streams.ts";
import { Tolerance } from "./tolerance.ts";

const NEVER = Infinity;
const TOO_LARGE = connectionError(ErrorCode.frameSizeError, "a frame above its limit");
const NO_PREFACE = connectionError(ErrorCode.protocolError, "not a preface of HTTP/2");

/**
 * One client connection of HTTP/2 (RFC 9113). All frames of what came in one read are received
 * before anything is sent: what they lead to leaves in one write.
 *
 * `open`; `draining` when a GOAWAY has told that no new streams are served; `lingering` when our side
 * has ended and only the peer's end is waited for.
 */
export class Http2Connection implements WireConnection {
  readonly #socket: Socket;
  readonly #parts: ConnectionParts;
  readonly #frames = new FrameReader();
  readonly #writer: FrameWriter;
  readonly #uptake: Uptake;
  readonly #streams = new Streams();
  readonly #tolerance: Tolerance;
  readonly #sender: Sender;
  readonly #inflow: Inflow;
  readonly #receiver: Receiver;
  readonly #deadlines: Deadlines;
  readonly #settleSoon = () => this.#onSettle();
  #phase: "open" | "draining" | "lingering" | "closed" = "open";
  #prefaceBytes = 0;
  #inputEnded = false;
  /** Whether what is put on the wire will leave without anybody's asking. */
  #settling = false;
  #settleAsked = false;
  /** Of the streams that are served: GOAWAY must not take it back (RFC 9113 §6.8). */
  #lastStreamId: number | undefined;
  /** While the socket waits for the peer to read; of the peer's end, once ours has come. */
  #deadline = NEVER;

  /** `received` was read before it was known which version of HTTP this is. */
  constructor(socket: Socket, parts: ConnectionParts, client: Client, received?: Buffer) {
    const streams = this.#streams;
    const wake = () => this.#wake();
    this.#socket = socket;
    this.#parts = parts;
    const writer = new FrameWriter(socket, parts.slabs);
    const tolerance = new Tolerance(parts.clock.now());
    const sender = new Sender({ parts, writer, streams, tolerance, wake });
    const inflow = new Inflow(writer, wake);
    const peer = new PeerSettings();
    this.#writer = writer;
    this.#uptake = new Uptake(socket);
    this.#tolerance = tolerance;
    this.#sender = sender;
    this.#inflow = inflow;
    const receiving = { parts, client, streams, sender, inflow, tolerance, peer };
    const receiver = new Receiver(receiving, writer);
    this.#receiver = receiver;
    const watched = { clock: parts.clock, frames: this.#frames, receiver, sender, streams };
    this.#deadlines = new Deadlines(watched);
    socket.on("data", (chunk: Buffer) => this.#onData(chunk));
    socket.on("drain", () => this.#onDrain());
    socket.on("end", () => this.#onEnd());
    // A reset or a broken pipe: "close" follows, and does what is to be done.
    socket.on("error", () => undefined);
    socket.on("close", () => this.#onClose());
    // RFC 9113 §3.4: the server's preface needs nothing of the client's.
    writer.settings();
    inflow.open();
    if (received === undefined) writer.flush();
    else this.#onData(received);
  }

  drain(): void {
    if (this.#phase !== "open") return;
    // RFC 9113 §6.8: what comes after these can be tried again elsewhere, whatever it is.
    this.#lastStreamId = this.#streams.highestId;
    this.#writer.goAway(this.#lastStreamId, ErrorCode.noError, "");
    this.#receiver.refuse();
    this.#phase = "draining";
    this.#wake();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  expire(now: number): void {
    if (this.#phase === "closed") return;
    if (now >= this.#deadline || this.#uptake.isTooSlow(now)) {
      this.#socket.destroy();
      return;
    }
    if (this.#phase === "lingering") return;
    this.#tolerance.refill(now);
    const fault = this.#deadlines.lateness(now);
    if (fault !== undefined) this.#fail(fault);
    else this.#deadlines.resetSlowStreams(now);
  }

  #onData(chunk: Buffer): void {
    if (this.#phase === "lingering" || this.#phase === "closed") return;
    const rest = this.#prefaceBytes === PREFACE.length ? chunk : this.#afterPreface(chunk);
    if (rest === undefined) return;
    this.#frames.push(rest);
    this.#receive();
  }

  /** RFC 9113 §3.4. Answers what follows the preface, if it has come so far. */
  #afterPreface(chunk: Buffer): Buffer | undefined {
    const from = this.#prefaceBytes;
    const taken = Math.min(chunk.length, PREFACE.length - from);
    if (PREFACE.compare(chunk, 0, taken, from, from + taken) !== 0) {
      this.#fail(NO_PREFACE);
      return undefined;
    }
    this.#prefaceBytes += taken;
    return chunk.subarray(taken);
  }

  #onDrain(): void {
    if (this.#phase === "lingering") return;
    if (this.#socket.isPaused()) this.#socket.resume();
    this.#receive();
  }

  #onEnd(): void {
    this.#inputEnded = true;
    if (this.#phase === "lingering") {
      this.#socket.destroySoon();
      return;
    }
    for (const stream of this.#streams) {
      if (stream.isReceiving) this.#sender.reset(stream.id, ErrorCode.cancel, "it was cut short");
    }
    this.drain();
  }

  #onClose(): void {
    this.#phase = "closed";
    this.#inflow.close();
    this.#sender.dropAll("the client left");
    this.#sender.report();
  }

  /** Receives what frames have come, and sends what they lead to. */
  #receive(): void {
    if (this.#settling) return;
    this.#settling = true;
    this.#receiver.startAt(this.#parts.stopwatch.now());
    this.#writer.look();
    const fault = this.#receiveFrames();
    this.#settling = false;
    if (fault !== undefined) this.#fail(fault);
    else this.#settle();
  }

  #receiveFrames(): ConnectionError | undefined {
    for (;;) {
      // What answers would wait for the peer to read, so the frames that ask for them wait here.
      if (this.#writer.roomBytes === 0) {
        this.#writer.flush();
        if (this.#writer.isBlocked) break;
      }
      const next = this.#frames.next();
      if (next === "incomplete") break;
      if (next === "too-large") return TOO_LARGE;
      const fault = this.#receiver.receive(this.#frames);
      if (fault !== undefined) return fault;
    }
    if (this.#frames.hasMore) this.#socket.pause();
    return undefined;
  }

  /** Sees to it that what is put on the wire leaves, once for all that is put in this turn. */
  #wake(): void {
    if (this.#settling || this.#settleAsked) return;
    this.#settleAsked = true;
    queueMicrotask(this.#settleSoon);
  }

  #onSettle(): void {
    this.#settleAsked = false;
    if (this.#phase === "lingering" || this.#phase === "closed") return;
    this.#writer.look();
    this.#settle();
  }

  /** Sends what can be sent, and sees what is to be waited for then. */
  #settle(): void {
    this.#settling = true;
    do {
      this.#sender.pump();
      this.#sender.stopEarly();
      this.#writer.flush();
    } while (this.#sender.isWilling && !this.#writer.isBlocked);
    this.#sender.report();
    this.#settling = false;
    if (this.#streams.size === 0 && (this.#phase === "draining" || this.#receiver.peerLeaves)) {
      this.#fail(FINISHED);
      return;
    }
    this.#deadlines.noteIdle();
  }

  /** RFC 9113 §5.4.1: tells why, and ends. */
  #fail({ code, reason }: ConnectionError): void {
    if (code !== ErrorCode.noError) this.#parts.faulted?.(reason);
    const told = this.#phase === "draining" && code === ErrorCode.noError;
    const lastStreamId = this.#lastStreamId ?? this.#streams.highestId;
    if (!told) this.#writer.goAway(lastStreamId, code, reason);
    this.#end(reason);
  }

  /**
   * Our side ends, and what the peer still sends is read and dropped for a while: a close at once
   * would reset the connection, and the reset could overtake our last frames.
   */
  #end(reason: string): void {
    this.#phase = "lingering";
    this.#deadline = this.#now() + WRITE_STALL_TIMEOUT_MS;
    this.#inflow.close();
    this.#sender.dropAll(reason);
    this.#writer.flush();
    this.#sender.report();
    this.#socket.resume();
    this.#socket.end(() => {
      if (this.#inputEnded) this.#socket.destroy();
      else this.#deadline = this.#now() + LINGER_TIMEOUT_MS;
    });
  }

  #now(): number {
    return this.#parts.clock.now();
  }
}

import { once } from "node:events";
import { connect, type Socket } from "node:net";

/** How a download ended: all of it came as expected, it was cut short, or other octets came. */
export type DownloadEnd = "whole" | "cut" | "wrong";

/** All downloads read into it, one after another: they are of no more use once they were compared. */
const READ = Buffer.allocUnsafe(256 * 1024);

const END_OF_HEAD = Buffer.from("\r\n\r\n");

/** A GET on a connection of its own, whose content is compared as it comes, and kept nowhere. */
export class Download {
  readonly ended: Promise<DownloadEnd>;
  readonly #end: (end: DownloadEnd) => void;
  readonly #headed = Promise.withResolvers<void>();
  readonly #expected: Buffer;
  readonly #socket: Socket;
  #head = Buffer.alloc(0);
  #isHeaded = false;
  #bytes = 0;
  #leavesAfter = Infinity;

  constructor(url: string, expected: Buffer) {
    const { promise, resolve } = Promise.withResolvers<DownloadEnd>();
    this.ended = promise;
    this.#end = resolve;
    this.#expected = expected;
    const { hostname, port, host, pathname } = new URL(url);
    const onread = { buffer: READ, callback: (bytes: number) => this.#read(bytes) };
    this.#socket = connect({ host: hostname, port: Number(port), onread });
    this.#socket.on("error", () => undefined);
    this.#socket.on("close", () => {
      this.#headed.resolve();
      resolve("cut");
    });
    this.#socket.write(`GET ${pathname} HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`);
  }

  /** Resolves when the head is there, or never will be. */
  get headed(): Promise<void> {
    return this.#headed.promise;
  }

  /** Octets of content so far. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Status line and field lines. */
  get head(): string {
    return this.#head.toString("latin1");
  }

  /** The value of a field of the head. */
  field(name: string): string | undefined {
    return new RegExp(`^${name}: (.*)$`, "im").exec(this.head)?.[1]?.trim();
  }

  /** Goes away once so much of the content has come. */
  async leaveAfter(bytes: number): Promise<void> {
    this.#leavesAfter = bytes;
    if (this.#bytes >= bytes) this.#socket.destroy();
    if (!this.#socket.closed) await once(this.#socket, "close");
  }

  #read(bytes: number): boolean {
    const octets = READ.subarray(0, bytes);
    if (this.#isHeaded) this.#compare(octets);
    else this.#readHead(octets);
    return true;
  }

  #readHead(octets: Buffer): void {
    this.#head = Buffer.concat([this.#head, octets]);
    const end = this.#head.indexOf(END_OF_HEAD);
    if (end < 0) return;
    const content = this.#head.subarray(end + END_OF_HEAD.length);
    this.#head = this.#head.subarray(0, end);
    this.#isHeaded = true;
    this.#headed.resolve();
    this.#compare(content);
  }

  #compare(octets: Buffer): void {
    const end = this.#bytes + octets.length;
    if (this.#expected.compare(octets, 0, octets.length, this.#bytes, end) !== 0)
      this.#finish("wrong");
    this.#bytes = end;
    if (this.#bytes >= this.#expected.length) this.#finish("whole");
    else if (this.#bytes >= this.#leavesAfter) this.#socket.destroy();
  }

  #finish(end: DownloadEnd): void {
    this.#end(end);
    this.#socket.destroy();
  }
}

import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { SIZES } from "./case.ts";

/** The origin that every server has: it counts, so that a hit can be told from a fetch. */
export interface Origin extends AsyncDisposable {
  readonly port: number;
  /** Requests that reached it since it started. */
  requests(): number;
}

const HEAD_END = "\r\n\r\n";
const NOT_FOUND = Buffer.from(`HTTP/1.1 404 Not Found\r\ncontent-length: 0${HEAD_END}`);

/**
 * On bare sockets: where all are misses it shares a core with the load, and must not be what is slow.
 * Every path of a size has the same answer, made once a second for its Date.
 */
export async function startOrigin(): Promise<Origin> {
  let requests = 0;
  const answers = new Answers();
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    // A server that was stopped: "close" follows.
    socket.on("error", () => undefined);
    readHeads(socket, (head) => {
      requests += 1;
      socket.write(answers.to(head));
    });
  });
  // A server may open a connection for each of the load's at one moment.
  server.listen({ host: "127.0.0.1", port: 0, backlog: 1_024 });
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    requests: () => requests,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await server[Symbol.asyncDispose]();
    },
  };
}

/** Requests for objects have no content: one head follows another. */
function readHeads(socket: Socket, receive: (head: string) => void): void {
  let unread = "";
  socket.setEncoding("latin1").on("data", (text: string) => {
    unread += text;
    for (let end = unread.indexOf(HEAD_END); end >= 0; end = unread.indexOf(HEAD_END)) {
      receive(unread.slice(0, end));
      unread = unread.slice(end + HEAD_END.length);
    }
  });
}

/** Heads and bodies, each pair in one buffer. */
class Answers {
  readonly #bySize = new Map<string, Buffer>();
  #madeAt = 0;

  to(head: string): Buffer {
    const second = Math.floor(Date.now() / 1_000);
    if (second !== this.#madeAt) this.#make(second);
    return this.#bySize.get(/^GET \/(\w+)\//.exec(head)?.[1] ?? "") ?? NOT_FOUND;
  }

  /** An image as a Space would serve it: nothing that a cache could want to compress or to vary. */
  #make(second: number): void {
    this.#madeAt = second;
    for (const { name, bytes } of SIZES) {
      const head = [
        "HTTP/1.1 200 OK",
        "cache-control: max-age=3600",
        `content-length: ${bytes}`,
        "content-type: image/png",
        `date: ${new Date(second * 1_000).toUTCString()}`,
        `etag: "${name}"`,
        "last-modified: Sun, 01 Nov 2026 12:00:00 GMT",
      ].join("\r\n");
      this.#bySize.set(
        name,
        Buffer.concat([Buffer.from(head + HEAD_END), Buffer.alloc(bytes, "a")]),
      );
    }
  }
}

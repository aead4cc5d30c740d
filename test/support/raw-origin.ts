import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";

/** A request as it came over the wire; names of fields are in lower case. */
export interface Asked {
  readonly method: string;
  readonly target: string;
  readonly fields: ReadonlyMap<string, string>;
  readonly body: Buffer;
  readonly trailers: ReadonlyMap<string, string>;
}

/** The octets of an answer, interim ones and framing included. */
type Answer = (asked: Asked) => string | Promise<string>;

/** An origin for methods and answers that `node:http` would refuse to read or to write. */
export interface RawOrigin extends AsyncDisposable {
  readonly url: string;
  readonly asked: readonly Asked[];
}

export async function startRawOrigin(answer: Answer): Promise<RawOrigin> {
  const asked: Asked[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined).on("close", () => sockets.delete(socket));
    void serve(socket, async (request) => {
      asked.push(request);
      return answer(request);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await server[Symbol.asyncDispose]();
    },
  };
}

/** Requests of one connection, one after another. */
async function serve(socket: Socket, answer: Answer): Promise<void> {
  const input = new Input(socket);
  try {
    for (;;) {
      const head = await input.upTo("\r\n\r\n");
      if (head === undefined) return;
      const [line = "", ...lines] = head.split("\r\n");
      const [method = "", target = ""] = line.split(" ");
      const fields = fieldMap(lines);
      const chunked = fields.get("transfer-encoding") === "chunked";
      const content = chunked ? await input.chunked() : await input.counted(fields);
      socket.write(await answer({ method, target, fields, ...content }), "latin1");
    }
  } catch (error) {
    socket.destroy(error as Error);
  }
}

type Content = Pick<Asked, "body" | "trailers">;

/** What has come on a socket and was not read yet. */
class Input {
  readonly #chunks: AsyncIterator<Buffer>;
  #buffered = Buffer.alloc(0);

  constructor(socket: Socket) {
    this.#chunks = socket[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  }

  /** Text without its end; undefined when the connection ends first. */
  async upTo(end: string): Promise<string | undefined> {
    for (;;) {
      const at = this.#buffered.indexOf(end);
      if (at >= 0) return this.#take(at + end.length).toString("latin1", 0, at);
      if (!(await this.#more())) return undefined;
    }
  }

  async counted(fields: ReadonlyMap<string, string>): Promise<Content> {
    const body = await this.#exactly(Number(fields.get("content-length") ?? 0));
    return { body, trailers: new Map() };
  }

  async chunked(): Promise<Content> {
    const parts: Buffer[] = [];
    for (;;) {
      const size = Number.parseInt((await this.upTo("\r\n")) ?? "", 16);
      if (size === 0) break;
      parts.push(await this.#exactly(size));
      await this.#exactly(2);
    }
    const lines: string[] = [];
    for (;;) {
      const line = await this.upTo("\r\n");
      if (line === undefined || line === "") break;
      lines.push(line);
    }
    return { body: Buffer.concat(parts), trailers: fieldMap(lines) };
  }

  async #exactly(length: number): Promise<Buffer> {
    while (this.#buffered.length < length) {
      if (!(await this.#more())) throw new Error("The request was cut short");
    }
    return this.#take(length);
  }

  #take(length: number): Buffer {
    const taken = this.#buffered.subarray(0, length);
    this.#buffered = this.#buffered.subarray(length);
    return taken;
  }

  async #more(): Promise<boolean> {
    const { done, value } = await this.#chunks.next();
    if (done === true) return false;
    this.#buffered = Buffer.concat([this.#buffered, value]);
    return true;
  }
}

function fieldMap(lines: readonly string[]): Map<string, string> {
  const pairs = lines.map((line): [string, string] => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
  });
  return new Map(pairs);
}

import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { sendObject } from "../../support/object-origin.ts";
import type { Random } from "../random.ts";
import { type Catalogue, currentOf, fieldsOf } from "./catalogue.ts";
import { tellLie } from "./lies.ts";
import type { Trouble, Weather } from "./weather.ts";

/** The origin of a cache's soak: it has what the catalogue says, in all weathers. */
export interface Store extends AsyncDisposable {
  readonly url: string;
  goDown(): Promise<void>;
  comeBack(): Promise<void>;
  /** Ends the connections on which nothing is asked. */
  rest(): void;
}

/** What a store answers by. */
export interface StoreParts {
  readonly catalogue: Catalogue;
  readonly weather: Weather;
  readonly random: Random;
}

export async function startStore(parts: StoreParts): Promise<Store> {
  const sockets = new Set<Socket>();
  const server = createServer((request, response) => {
    void answer(request, response, parts).catch(() => response.destroy());
  });
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  // The edge keeps connections; who closes them first must not matter here.
  server.keepAliveTimeout = 20_000;
  const listen = async (port: number): Promise<number> => {
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
    return (server.address() as AddressInfo).port;
  };
  const close = async (): Promise<void> => {
    server.close();
    for (const socket of sockets) socket.destroy();
    await once(server, "close");
  };
  const port = await listen(0);
  return {
    url: `http://127.0.0.1:${port}`,
    goDown: close,
    comeBack: async () => {
      await listen(port);
    },
    rest: () => server.closeIdleConnections(),
    [Symbol.asyncDispose]: close,
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  parts: StoreParts,
): Promise<void> {
  // What is presigned is answered like anything else.
  const [path = ""] = (request.url ?? "").split("?");
  const trouble = parts.weather.troubleFor(path);
  if (trouble === "hangs" && (await hangs(parts))) return void response.destroy();
  if (trouble === "crawls") await delay(parts.random.below(500));
  if (trouble === "errs") {
    response.writeHead(parts.random.pick([500, 502, 503, 504]), { "x-from": "store" });
    response.end("trouble");
    return;
  }
  const object = parts.catalogue.find(path);
  // Looked at as late as that: what is answered is what was there as it was.
  const version = object && currentOf(object);
  if (object === undefined || version?.length === undefined) {
    response.writeHead(404, { "x-version": version?.number ?? 0 }).end("nothing is here");
    return;
  }
  const { number, length } = version;
  const { isChunked } = object;
  const name = `${object.path} ${number}`;
  const content = { name, length, isChunked, fields: fieldsOf(object, number) };
  if (trouble === "lies") {
    await tellLie(request, response, content, parts.random);
    return;
  }
  await sendObject(request, response, content, paceOf(trouble, length, response, parts));
}

/** Most never have an answer, some have it late. */
async function hangs({ weather, random }: StoreParts): Promise<boolean> {
  await weather.over;
  return random.below(3) > 0;
}

/** What happens between two pieces of a body. */
function paceOf(
  trouble: Trouble | undefined,
  length: number,
  response: ServerResponse,
  { random, weather }: StoreParts,
): ((sentBytes: number) => Promise<void> | void) | undefined {
  const breaksAt = random.below(length + 1);
  // oxlint-disable-next-line typescript/switch-exhaustiveness-check
  switch (trouble) {
    case "cuts":
      return (sentBytes) => {
        if (sentBytes >= breaksAt) response.destroy();
      };
    case "hangs":
      return async (sentBytes) => {
        if (sentBytes < breaksAt) return;
        await weather.over;
        response.destroy();
      };
    case "crawls":
      return () => delay(random.below(40));
    default:
      return undefined;
  }
}

import type { RequestListener } from "node:http";
import type { Duplex } from "node:stream";
import { type HttpServer, startHttpServer, type TlsIdentity } from "#http-server.ts";
import type { Address } from "#listen.ts";
import type { RegistryDoor } from "./door.ts";
import { HEAD_BYTES_MAX, REGISTRY_CONNECTIONS_MAX } from "./limits.ts";

/**
 * Serves the registry on node:http, over TLS when there is an identity.
 * @throws Error when the port cannot be had
 */
export async function startRegistryServer(
  door: RegistryDoor,
  address: Address,
  identity?: TlsIdentity,
): Promise<HttpServer> {
  const parts = {
    // It answers its own failures; there is nobody to wait for it.
    listener: (...[request, response]: Parameters<RequestListener>) =>
      void door.answer(request, response),
    refuseMalformed: (socket: Duplex) => void socket.end(MALFORMED),
    connectionsMax: REGISTRY_CONNECTIONS_MAX,
    headBytesMax: HEAD_BYTES_MAX,
    answersExpect: true,
  };
  return startHttpServer(parts, address, identity);
}

/** What node:http could not parse has no response object. */
const MALFORMED = ((): string => {
  const error = { code: "UNSUPPORTED", message: "The request is malformed." };
  const text = JSON.stringify({ errors: [error] });
  const fields = `content-type: application/json\r\ncontent-length: ${text.length}`;
  return `HTTP/1.1 400 Bad Request\r\nconnection: close\r\n${fields}\r\n\r\n${text}`;
})();

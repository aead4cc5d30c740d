import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo, Server } from "node:net";
import { createSecureContext, createServer as createTlsServer } from "node:tls";
import type { ChallengeType } from "#acme/acme.ts";
import { dnsValue } from "#acme/key-authorization.ts";
import { systemClock } from "#clock.ts";
import { tlsAlpnCertificate } from "#x509/tls-alpn.ts";
import type { ChallengeDns } from "./challenge-dns.ts";

/** Answers the challenges of one type. */
export interface Answers {
  readonly type: ChallengeType;
  put(answer: Answer): Promise<void>;
}

interface Answer {
  readonly name: string;
  readonly token: string;
  readonly keyAuthorization: string;
}

export interface PortAnswers extends Answers, AsyncDisposable {
  readonly port: number;
}

/** RFC 8555 §8.3. */
export async function startHttpAnswers(): Promise<PortAnswers> {
  const byPath = new Map<string, string>();
  const server = createServer((request, response) => {
    const answer = byPath.get(request.url ?? "");
    response.writeHead(answer === undefined ? 404 : 200).end(answer);
  });
  return {
    type: "http-01",
    put: async ({ token, keyAuthorization }) => {
      byPath.set(`/.well-known/acme-challenge/${token}`, keyAuthorization);
    },
    ...(await listen(server)),
  };
}

/** RFC 8737. */
export async function startAlpnAnswers(): Promise<PortAnswers> {
  const server = createTlsServer({ ALPNProtocols: ["acme-tls/1"] });
  return {
    type: "tls-alpn-01",
    put: async ({ name, keyAuthorization }) => {
      const pair = await tlsAlpnCertificate(name, keyAuthorization, systemClock.now());
      server.addContext(name, createSecureContext(pair));
    },
    ...(await listen(server)),
  };
}

/** RFC 8555 §8.4: a value for each challenge, of which two may stand at one name. */
export function dnsAnswers(dns: ChallengeDns): Answers {
  return {
    type: "dns-01",
    put: ({ name, keyAuthorization }) =>
      dns.addTxt(`_acme-challenge.${name}`, dnsValue(keyAuthorization)),
  };
}

async function listen(server: Server) {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      server.close();
      await once(server, "close");
    },
  };
}

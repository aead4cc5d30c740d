import { Resolver } from "node:dns/promises";
import { request } from "node:http";
import type { ChallengeAnswer } from "#acme/acme.ts";
import { isLoopback } from "#acme/directories.ts";
import { tlsAlpnFault } from "#acme/self-check.ts";
import { unreachable } from "#unreachable.ts";
import type { SelfCheck } from "./authorize.ts";

export interface WorldCheckParts {
  /** `local`, or the URL of the CA's directory. */
  readonly directory: string;
  /** Address and port of who is asked for names; absent: whom the system asks. */
  readonly resolver: string | undefined;
  readonly zone: string | undefined;
  /** What NS records point at this server by. */
  readonly name: string;
}

/** A CA's own look-ups take longer than that only when they fail. */
const LOOKUP_MS_MAX = 5_000;

/** Of what stands where an answer should be: a key authorization has some 90 characters. */
const ANSWER_LENGTH_MAX = 1_024;

/**
 * Looks at the world as a CA does. What cannot be said for sure is no fault: behind some routers, a
 * server does not reach its own public address. A CA on this machine has a world of its own.
 */
export function selfCheck(parts: WorldCheckParts): SelfCheck {
  if (parts.resolver === undefined && isOnThisMachine(parts.directory)) {
    return { delegated: async () => true, fault: async () => undefined };
  }
  const resolver = new Resolver({ timeout: LOOKUP_MS_MAX, tries: 1 });
  if (parts.resolver !== undefined) resolver.setServers([parts.resolver]);
  return {
    delegated: (name) => isDelegated(resolver, name, parts),
    fault: async (answer) => {
      switch (answer.kind) {
        case "http-01":
          return httpFault(resolver, answer);
        case "tls-alpn-01":
          return tlsFault(resolver, answer);
        case "dns-01":
          return dnsFault(resolver, answer);
        default:
          return unreachable(answer);
      }
    },
  };
}

function isOnThisMachine(directory: string): boolean {
  const url = URL.parse(directory);
  return url !== null && isLoopback(url.hostname);
}

async function isDelegated(
  resolver: Resolver,
  name: string,
  { zone, name: nameServer }: WorldCheckParts,
): Promise<boolean> {
  const challenge = `_acme-challenge.${name}`;
  const [aliases, servers] = await Promise.all([
    lookUp(resolver.resolveCname(challenge)),
    lookUp(resolver.resolveNs(challenge)),
  ]);
  const isOurs = (target: string): boolean =>
    zone !== undefined && target.toLowerCase().endsWith(`.${zone}`);
  return (
    (aliases ?? []).some(isOurs) ||
    (servers ?? []).some((server) => server.toLowerCase() === nameServer)
  );
}

/** RFC 1035 §4.1.1: the name is not there, or has no such records; `undefined` for what is not known. */
async function lookUp<T>(asked: Promise<readonly T[]>): Promise<readonly T[] | undefined> {
  try {
    return await asked;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === "ENOTFOUND" || code === "ENODATA" ? [] : undefined;
  }
}

async function addressesOf(
  resolver: Resolver,
  name: string,
): Promise<readonly string[] | undefined> {
  const [four, six] = await Promise.all([
    lookUp(resolver.resolve4(name)),
    lookUp(resolver.resolve6(name)),
  ]);
  const found = [...(four ?? []), ...(six ?? [])];
  return found.length === 0 && (four === undefined || six === undefined) ? undefined : found;
}

function addressFault(addresses: readonly string[] | undefined, name: string): string | undefined {
  return addresses?.length === 0 ? `DNS has no address for ${name}` : undefined;
}

async function httpFault(
  resolver: Resolver,
  { name, token, keyAuthorization }: ChallengeAnswer & { kind: "http-01" },
): Promise<string | undefined> {
  const addresses = await addressesOf(resolver, name);
  const [address] = addresses ?? [];
  if (address === undefined) return addressFault(addresses, name);
  const text = await answerAt(address, name, token);
  // Whoever does not answer here may do so there; a redirect is for the CA to follow.
  if (text === undefined || text.trim() === keyAuthorization) return undefined;
  return `${name} leads to ${address}, where something else answers on port 80`;
}

async function tlsFault(
  resolver: Resolver,
  { name, keyAuthorization }: ChallengeAnswer & { kind: "tls-alpn-01" },
): Promise<string | undefined> {
  const addresses = await addressesOf(resolver, name);
  const [address] = addresses ?? [];
  if (address === undefined) return addressFault(addresses, name);
  return tlsAlpnFault({ address, port: 443, name, keyAuthorization });
}

/** The text of a 200; `undefined` when there is none. */
function answerAt(address: string, name: string, token: string): Promise<string | undefined> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  const asked = request(
    {
      host: address,
      port: 80,
      path: `/.well-known/acme-challenge/${token}`,
      headers: { host: name },
      signal: AbortSignal.timeout(LOOKUP_MS_MAX),
      agent: false,
    },
    (reply) => {
      let text = "";
      reply.setEncoding("utf8");
      reply.on("data", (chunk: string) => {
        text += chunk;
        if (text.length > ANSWER_LENGTH_MAX) reply.destroy();
      });
      reply.on("close", () => resolve(reply.statusCode === 200 ? text : undefined));
    },
  );
  asked.on("error", () => resolve(undefined));
  asked.end();
  return promise;
}

async function dnsFault(
  resolver: Resolver,
  { name, value }: ChallengeAnswer & { kind: "dns-01" },
): Promise<string | undefined> {
  const challenge = `_acme-challenge.${name}`;
  const values = await lookUp(resolver.resolveTxt(challenge));
  if (values === undefined || values.some((parts) => parts.join("") === value)) return undefined;
  return `${challenge} has not the value that it should have`;
}

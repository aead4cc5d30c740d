import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import {
  calculateJwkThumbprint,
  type FlattenedJWS,
  flattenedVerify,
  importJWK,
  type JWK,
} from "jose";

/** An answer in place of the CA's own. */
export interface Answer {
  readonly status: number;
  readonly fields?: Readonly<Record<string, string>>;
  /** JSON, unless it is text. */
  readonly body?: unknown;
  /** The connection is closed instead. */
  readonly cut?: boolean;
  /** It never comes. */
  readonly silent?: boolean;
}

/** What was asked, after all that RFC 8555 §6 wants was checked. */
interface Seen {
  readonly method: string;
  readonly path: string;
  readonly fields: IncomingMessage["headers"];
  readonly protected?: Protected;
  /** `undefined` for POST-as-GET. */
  readonly payload?: unknown;
}

interface Protected {
  readonly alg: string;
  readonly nonce: string;
  readonly url: string;
  readonly kid?: string;
  readonly jwk?: JWK;
}

export interface StrictCa extends AsyncDisposable {
  readonly directory: string;
  readonly seen: readonly Seen[];
  /** Merged into the directory. */
  offer(members: object): void;
  /** The answers to whatever is asked of a path next, first to last; then its own again. */
  answer(path: string, ...answers: Answer[]): void;
  /** All accounts are gone. */
  forget(): void;
  url(path: string): string;
}

export function problem(type: string, status: number, more: object = {}): Answer {
  const body = { type: `urn:ietf:params:acme:error:${type}`, detail: `It is ${type}`, ...more };
  return { status, body, fields: { "content-type": "application/problem+json" } };
}

/** A CA that takes nothing that RFC 8555 does not allow, and does only what a test tells it. */
export async function startStrictCa(): Promise<StrictCa> {
  const ca = new Ca();
  const server = createServer((request, response) => {
    void ca.handle(request, response).catch((error: unknown) => {
      response.writeHead(500).end(String(error));
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  ca.origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    directory: `${ca.origin}/directory`,
    seen: ca.seen,
    offer: (members) => Object.assign(ca.offered, members),
    answer: (path, ...answers) => void ca.answers.set(path, answers),
    forget: () => ca.accounts.clear(),
    url: (path) => `${ca.origin}${path}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

class Ca {
  origin = "";
  readonly seen: Seen[] = [];
  readonly offered: Record<string, unknown> = {};
  readonly answers = new Map<string, Answer[]>();
  /** By their URL. */
  readonly accounts = new Map<string, JWK>();
  readonly #nonces = new Set<string>();
  #made = 0;

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = "", url: path = "", headers: fields } = request;
    const body = Buffer.concat(await request.toArray()).toString("utf8");
    let answer: Answer;
    if (fields["user-agent"] === undefined || fields["accept-language"] === undefined) {
      answer = problem("malformed", 400, { detail: "§6.1: who asks, and in which language?" });
    } else if (method === "POST") {
      answer = await this.#signed(request, path, body);
    } else {
      this.seen.push({ method, path, fields });
      answer = this.#scripted(path) ?? this.#plain(method, path);
    }
    if (answer.cut === true) return void response.destroy();
    if (answer.silent === true) return;
    // §7.2: one comes with every answer to a POST, and with that of newNonce.
    const nonce = method === "GET" ? {} : { "replay-nonce": this.#newNonce() };
    response.writeHead(answer.status, { ...nonce, ...answer.fields });
    response.end(typeof answer.body === "string" ? answer.body : JSON.stringify(answer.body));
  }

  async #signed(request: IncomingMessage, path: string, body: string): Promise<Answer> {
    const jws = JSON.parse(body) as FlattenedJWS;
    const header = JSON.parse(
      Buffer.from(jws.protected ?? "", "base64url").toString(),
    ) as Protected;
    const wrong = this.#wrongWith(request, path, header);
    if (wrong !== undefined) return problem("malformed", 400, { detail: wrong });
    // §6.5: a nonce is used up whatever becomes of the request.
    if (!this.#nonces.delete(header.nonce)) return problem("badNonce", 400);
    const jwk = header.jwk ?? this.accounts.get(header.kid ?? "");
    if (jwk === undefined) return problem("accountDoesNotExist", 400);
    const { payload } = await flattenedVerify(jws, await importJWK(jwk, "ES256"));
    const text = Buffer.from(payload).toString("utf8");
    const asked = text === "" ? undefined : (JSON.parse(text) as unknown);
    const { method = "", headers: fields } = request;
    this.seen.push({ method, path, fields, protected: header, payload: asked });
    const scripted = this.#scripted(path);
    if (scripted !== undefined) return scripted;
    return path === "/new-account" ? this.#newAccount(jwk) : problem("malformed", 404);
  }

  #wrongWith({ headers }: IncomingMessage, path: string, header: Protected): string | undefined {
    if (headers["content-type"] !== "application/jose+json") return "§6.2: the content type";
    if (header.alg !== "ES256") return "§6.2: the algorithm";
    if (header.url !== `${this.origin}${path}`) return "§6.4: the url";
    if ((header.jwk === undefined) === (header.kid === undefined)) return "§6.2: jwk or kid";
    if ((header.jwk !== undefined) !== (path === "/new-account")) return "§6.2: jwk in its place";
    if (header.jwk !== undefined && "d" in header.jwk) return "a private key";
    return undefined;
  }

  async #newAccount(jwk: JWK): Promise<Answer> {
    const thumbprint = await calculateJwkThumbprint(jwk);
    for (const [location, kept] of this.accounts) {
      if ((await calculateJwkThumbprint(kept)) === thumbprint) {
        return { status: 200, fields: { location }, body: { status: "valid" } };
      }
    }
    this.#made += 1;
    const location = `${this.origin}/account/${this.#made}`;
    this.accounts.set(location, jwk);
    return { status: 201, fields: { location }, body: { status: "valid" } };
  }

  #scripted(path: string): Answer | undefined {
    return this.answers.get(path)?.shift();
  }

  #plain(method: string, path: string): Answer {
    if (path === "/new-nonce") return { status: method === "HEAD" ? 200 : 204 };
    if (path !== "/directory") return problem("malformed", 404);
    const url = (name: string) => `${this.origin}/${name}`;
    const body = {
      newNonce: url("new-nonce"),
      newAccount: url("new-account"),
      newOrder: url("new-order"),
      revokeCert: url("revoke-cert"),
      keyChange: url("key-change"),
      ...this.offered,
    };
    return { status: 200, body };
  }

  #newNonce(): string {
    const nonce = randomBytes(16).toString("base64url");
    this.#nonces.add(nonce);
    return nonce;
  }
}

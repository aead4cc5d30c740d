import type { EdgeCertificate, EdgeChallenge } from "#feed/entry.ts";

/** CAs' challenges that are answered now: few, and mostly none. */
export class ChallengeDirectory {
  readonly #byId = new Map<string, EdgeChallenge>();
  /** Key authorizations of http-01, by name and token. */
  readonly #texts = new Map<string, Map<string, string>>();
  /** Certificates of tls-alpn-01, by name; of each those that are there, by id, the latest last. */
  readonly #shown = new Map<string, Map<string, EdgeCertificate>>();

  /** Adds a challenge, or puts it in the place of the one that has its id. */
  put(challenge: EdgeChallenge): void {
    this.delete(challenge.id);
    const { id } = challenge;
    this.#byId.set(id, challenge);
    if (challenge.kind === "http-01") {
      add(this.#texts, textKey(challenge.name, challenge.token), id, challenge.keyAuthorization);
    } else {
      const { name, certPem, keyPem } = challenge;
      add(this.#shown, name, id, { id, names: [name], certPem, keyPem, notAfter: 0 });
    }
  }

  delete(id: string): void {
    const challenge = this.#byId.get(id);
    if (challenge === undefined) return;
    this.#byId.delete(id);
    if (challenge.kind === "tls-alpn-01") remove(this.#shown, challenge.name, id);
    else remove(this.#texts, textKey(challenge.name, challenge.token), id);
  }

  /** What stands at a token for a host name in lower case (RFC 8555 §8.3). */
  keyAuthorization(name: string, token: string): string | undefined {
    return latest(this.#texts.get(textKey(name, token)));
  }

  /** What is shown to who asks for `acme-tls/1` and a name in lower case (RFC 8737 §3). */
  certificate(name: string): EdgeCertificate | undefined {
    return latest(this.#shown.get(name));
  }

  /** Most of the time there is nothing to be looked for. */
  get isEmpty(): boolean {
    return this.#byId.size === 0;
  }
}

/** Neither a host name nor a token has a space in it. */
function textKey(name: string, token: string): string {
  return `${name} ${token}`;
}

function add<V>(all: Map<string, Map<string, V>>, key: string, id: string, value: V): void {
  const byId = all.get(key) ?? new Map<string, V>();
  all.set(key, byId.set(id, value));
}

function remove<V>(all: Map<string, Map<string, V>>, key: string, id: string): void {
  const byId = all.get(key);
  byId?.delete(id);
  if (byId?.size === 0) all.delete(key);
}

function latest<V>(byId: Map<string, V> | undefined): V | undefined {
  return byId === undefined ? undefined : [...byId.values()].at(-1);
}

import { randomUUID } from "node:crypto";
import type { Logger } from "#log.ts";
import type { Seal } from "#seal.ts";
import { type Leaf, type LeafPair, type LocalCa, parseLeafName } from "./local-ca.ts";
import { keyPurpose, type ServingCertificate, type ServingCertificateStore } from "./serving.ts";

export interface OwnNamesParts {
  readonly store: ServingCertificateStore;
  readonly ca: LocalCa;
  readonly seal: Seal;
  /** Resolves when a change is in force at every live edge. */
  readonly settled: (number: number) => Promise<void>;
  readonly log: Logger;
}

/**
 * TLS for names of the platform's own: a certificate of the local CA for each, made when the name is
 * first needed and renewed while it is there. There is a name for each region and domain that
 * endpoints are under, however many they are.
 */
export class OwnNames {
  readonly #parts: OwnNamesParts;
  /** Names that are served, and those whose certificates are on their way. */
  readonly #ensured = new Map<string, Promise<void>>();

  constructor(parts: OwnNamesParts) {
    this.#parts = parts;
    for (const { ownName } of parts.store.ownNames()) {
      if (ownName !== undefined) this.#ensured.set(ownName, Promise.resolve());
    }
  }

  /**
   * Resolves when each name has a certificate, and the edges have been told of it before whatever
   * they are told of next. Costs nothing for a name that has one.
   */
  async ensure(names: readonly string[]): Promise<void> {
    await Promise.all(names.map((name) => this.#ensured.get(name) ?? this.#begin(name)));
  }

  /** Renews what is due, or can be used no more. Resolves when every live edge serves the new ones. */
  async renew(): Promise<void> {
    const { ca, store, settled, log } = this.#parts;
    for (const serving of store.ownNames()) {
      if (serving.managed === true) continue;
      const leaf = await ca.newLeaf(serving.names, this.#pairOf(serving));
      if (leaf === undefined) continue;
      await settled(await this.#put({ ...serving, leaf }));
      log.info({ names: serving.names, reason: leaf.reason }, "certificate renewed");
    }
  }

  #begin(name: string): Promise<void> {
    const made = this.#issue(name);
    // Asked for meanwhile, it is not made twice; one that failed is tried again by the next.
    this.#ensured.set(name, made);
    made.catch(() => this.#ensured.delete(name));
    return made;
  }

  async #issue(ownName: string): Promise<void> {
    // Longer than a name can be: nobody can ask for it, so nothing has to cover it.
    if (parseLeafName(ownName) === undefined) return;
    const leaf = await this.#parts.ca.newLeaf([ownName], undefined);
    if (leaf === undefined) throw new Error("A CA kept a leaf that it was not given");
    await this.#put({ id: randomUUID(), ownName, names: [ownName], leaf });
  }

  #put(
    certificate: Pick<ServingCertificate, "id" | "ownName" | "names"> & { readonly leaf: Leaf },
  ): Promise<number> {
    const { id, ownName, names, leaf } = certificate;
    return this.#parts.store.put({
      id,
      ...(ownName === undefined ? {} : { ownName }),
      names,
      chain: leaf.cert,
      sealedKey: this.#parts.seal.seal(leaf.key, keyPurpose(id)),
      notAfter: leaf.notAfter.getTime(),
    });
  }

  /** Without its key, the leaf is as good as none: another one takes its place. */
  #pairOf({ id, chain, sealedKey }: ServingCertificate): LeafPair | undefined {
    try {
      return { cert: chain, key: this.#parts.seal.open(sealedKey, keyPurpose(id)) };
    } catch (error) {
      this.#parts.log.error({ err: error }, "certificate made anew");
      return undefined;
    }
  }
}

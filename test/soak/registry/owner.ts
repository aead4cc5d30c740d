import assert from "node:assert/strict";
import type { Tenant } from "../../support/registry.ts";
import type { Random } from "../random.ts";
import { type Artifact, Maker } from "./artifacts.ts";
import type { RegistryClient } from "./client.ts";
import type { Line } from "./line.ts";
import type { Tally } from "./tally.ts";

/** Where all clients push, each to tags of its own. */
const COMMON = "common/base";
const OWN_REPOSITORIES = 2;
const TAGS_MAX = 25;

export interface OwnerParts {
  readonly number: number;
  readonly clients: number;
  readonly tenant: Tenant;
  readonly line: Line;
  readonly client: RegistryClient;
  readonly random: Random;
  readonly tally: Tally;
}

/** What this client has in a repository: nobody else writes to its tags. */
class Contents {
  readonly tags = new Map<string, Artifact>();
  /** By the digest of what they refer to. */
  readonly referrers = new Map<string, readonly Artifact[]>();

  /** What nothing points at any more may be collected at any moment. */
  forgetUntagged(): void {
    const tagged = new Set([...this.tags.values()].map(({ digest }) => digest));
    for (const subject of this.referrers.keys()) {
      if (!tagged.has(subject)) this.referrers.delete(subject);
    }
  }
}

interface Act {
  readonly name: string;
  readonly weight: number;
  readonly needsTag: boolean;
  run(repository: string, contents: Contents): Promise<void>;
}

/** A client that pushes, retags, mounts and deletes, and knows what has to be there after each. */
export class Owner {
  readonly #parts: OwnerParts;
  readonly #maker: Maker;
  readonly #contents: ReadonlyMap<string, Contents>;
  readonly #acts: readonly Act[];
  #tagsMade = 0;

  /** Those of all clients, that each may have to read. */
  static repositories(registry: string, clients: number): readonly string[] {
    const own = Array.from({ length: clients }, (_, number) => ownRepositories(registry, number));
    return [`${registry}/${COMMON}`, ...own.flat()];
  }

  constructor(parts: OwnerParts) {
    this.#parts = parts;
    this.#maker = new Maker(parts.random, `client ${parts.number}`);
    const { tenant, number } = parts;
    const own = [`${tenant.name}/${COMMON}`, ...ownRepositories(tenant.name, number)];
    this.#contents = new Map(own.map((repository) => [repository, new Contents()]));
    const act = (name: string, weight: number, run: Act["run"], needsTag = true): Act => ({
      name,
      weight,
      run,
      needsTag,
    });
    this.#acts = [
      act("image pushed", 8, (...at) => this.#push(this.#maker.image(), ...at), false),
      act("index pushed", 3, (...at) => this.#push(this.#maker.index(), ...at), false),
      act("referrer pushed", 3, (...at) => this.#attach(...at)),
      act("tag added", 2, (...at) => this.#tag(...at)),
      act("tag moved", 3, (...at) => this.#move(...at)),
      act("tag deleted", 4, (...at) => this.#deleteTag(...at)),
      act("manifest deleted", 3, (...at) => this.#deleteManifest(...at)),
      act("pulled", 6, (...at) => this.#pullOne(...at)),
      act("repository deleted", 1, (...at) => this.#deleteRepository(...at)),
    ];
  }

  /** Goes on until the signal aborts. A failure is a fault, and the next thing is done. */
  async run(signal: AbortSignal): Promise<void> {
    const { tally, number } = this.#parts;
    while (!signal.aborted) {
      const [repository, contents] = this.#pick([...this.#contents]);
      const act = this.#chosen(contents);
      try {
        await act.run(repository, contents);
        tally.did(act.name);
      } catch (error) {
        tally.fault(`client ${number}: ${act.name}: ${(error as Error).message}`);
        // What is there now is not known any more.
        contents.tags.clear();
        contents.referrers.clear();
      }
    }
  }

  /** Half of all that is there, so that a collection has something to do. */
  async deleteHalf(): Promise<void> {
    for (const [repository, contents] of this.#contents) {
      const count = Math.floor(contents.tags.size / 2);
      for (let left = count; left > 0 && contents.tags.size > 0; left -= 1) {
        await this.#deleteManifest(repository, contents);
      }
    }
  }

  /** Pulls all that has to be there. @returns how many images that were */
  async pullAll(): Promise<number> {
    let pulled = 0;
    for (const [repository, contents] of this.#contents) {
      for (const tag of contents.tags.keys()) {
        await this.#pull(repository, contents, tag).catch((error: unknown) => {
          this.#parts.tally.fault(`at the end: ${(error as Error).message}`);
        });
        pulled += 1;
      }
    }
    return pulled;
  }

  async #push(artifact: Artifact, repository: string, contents: Contents): Promise<void> {
    this.#tagsMade += 1;
    const reference = `c${this.#parts.number}-${this.#tagsMade}`;
    await this.#pushAs(artifact, repository, reference);
    contents.tags.set(reference, artifact);
  }

  async #move(repository: string, contents: Contents): Promise<void> {
    const [tag] = this.#pick([...contents.tags]);
    const artifact = this.#maker.image();
    await this.#pushAs(artifact, repository, tag);
    contents.tags.set(tag, artifact);
    contents.forgetUntagged();
  }

  async #attach(repository: string, contents: Contents): Promise<void> {
    const [, subject] = this.#pick([...contents.tags]);
    const artifact = this.#maker.image(subject);
    await this.#pushAs(artifact, repository, undefined);
    const before = contents.referrers.get(subject.digest) ?? [];
    contents.referrers.set(subject.digest, [...before, artifact]);
  }

  async #tag(repository: string, contents: Contents): Promise<void> {
    const [, artifact] = this.#pick([...contents.tags]);
    this.#tagsMade += 1;
    const tag = `c${this.#parts.number}-${this.#tagsMade}`;
    const { line, client } = this.#parts;
    await line.untilDone(() => client.tag(repository, artifact, tag));
    contents.tags.set(tag, artifact);
  }

  async #deleteTag(repository: string, contents: Contents): Promise<void> {
    const [tag] = this.#pick([...contents.tags]);
    const { line, client } = this.#parts;
    await line.untilDone((isRetry) => client.delete(repository, tag, isRetry));
    contents.tags.delete(tag);
    contents.forgetUntagged();
  }

  async #deleteManifest(repository: string, contents: Contents): Promise<void> {
    const [, { digest }] = this.#pick([...contents.tags]);
    const { line, client } = this.#parts;
    await line.untilDone((isRetry) => client.delete(repository, digest, isRetry));
    for (const [tag, artifact] of contents.tags) {
      if (artifact.digest === digest) contents.tags.delete(tag);
    }
    contents.forgetUntagged();
  }

  /** What others have in theirs is theirs to delete. */
  async #deleteRepository(repository: string, contents: Contents): Promise<void> {
    const { tenant, line } = this.#parts;
    if (repository.endsWith(`/${COMMON}`)) return;
    const name = encodeURIComponent(repository.slice(tenant.name.length + 1));
    const path = `/v2/registries/${tenant.name}/repositories/${name}`;
    await line.untilDone((isRetry) =>
      line.guarded(async () => {
        const { status, text } = await tenant.api("DELETE", path);
        assert(status === 204 || (isRetry && status === 404), `${path}: ${status} ${text}`);
      }),
    );
    contents.tags.clear();
    contents.referrers.clear();
  }

  async #pullOne(repository: string, contents: Contents): Promise<void> {
    const [tag] = this.#pick([...contents.tags]);
    await this.#pull(repository, contents, tag);
  }

  async #pull(repository: string, contents: Contents, tag: string): Promise<void> {
    const { line, client } = this.#parts;
    const artifact = contents.tags.get(tag);
    assert(artifact !== undefined);
    await line.untilDone(async () => {
      await client.pull(repository, tag, artifact);
      const referrers = contents.referrers.get(artifact.digest) ?? [];
      const listed = await client.referrers(repository, artifact.digest);
      for (const referrer of referrers) {
        assert(listed.includes(referrer.digest), `${repository} ${tag}: a referrer is not listed`);
        await client.pull(repository, referrer.digest, referrer);
      }
    });
  }

  async #pushAs(artifact: Artifact, repository: string, tag: string | undefined): Promise<void> {
    const { line, client, random, number, clients, tenant } = this.#parts;
    const others = ownRepositories(
      tenant.name,
      (number + random.between(1, clients - 1)) % clients,
    );
    const elsewhere = random.below(2) === 0 ? this.#pick(others) : undefined;
    const terms = { elsewhere, ...(tag === undefined ? {} : { reference: tag }) };
    await line.untilDone(() => client.push(repository, artifact, terms));
  }

  #chosen({ tags }: Contents): Act {
    const isFull = tags.size >= TAGS_MAX;
    const possible = this.#acts.filter(({ needsTag }) =>
      tags.size > 0 ? needsTag || !isFull : !needsTag,
    );
    return this.#pick(possible.flatMap((act) => Array.from({ length: act.weight }, () => act)));
  }

  #pick<T>(items: readonly T[]): T {
    const item = items[this.#parts.random.below(items.length)];
    assert(item !== undefined, "there is nothing to choose from");
    return item;
  }
}

function ownRepositories(registry: string, number: number): string[] {
  return Array.from(
    { length: OWN_REPOSITORIES },
    (_, one) => `${registry}/client-${number}/${one}`,
  );
}

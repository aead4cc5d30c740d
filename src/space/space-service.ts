import type { Listed } from "#api/page.ts";
import type { Clock } from "#clock.ts";
import type { CorsRule } from "#feed/entry.ts";
import { OBJECT_BYTES_MAX, OBJECTS_LISTED_MAX } from "#limits.ts";
import { notFound, Problem } from "#problem.ts";
import type { Seal } from "#seal.ts";
import type { ObjectHead } from "./object-head.ts";
import type { ObjectFiles, Space, SpaceStore, SpaceUsage, StoredObject } from "./space.ts";
import type { UpstreamCredentials } from "./upstream.ts";

export interface SpaceServiceParts {
  readonly store: SpaceStore;
  readonly files: ObjectFiles;
  readonly seal: Seal;
  /** Resolves when a change is in force at every live edge. */
  readonly settled: (number: number) => Promise<void>;
  readonly clock: Clock;
}

/** What a Space's sealed credentials are bound to. */
export function credentialsPurpose(name: string, region: string): string {
  return `space/${region}/${name}/credentials`;
}

/** The rules of Spaces: who may, where the bytes go, and that a replaced object is never half. */
export class SpaceService {
  readonly #parts: SpaceServiceParts;

  constructor(parts: SpaceServiceParts) {
    this.#parts = parts;
  }

  /** @throws Problem("conflict") when somebody has a Space of that name and region */
  async create(
    accountId: number,
    members: {
      readonly name: string;
      readonly region: string;
      readonly upstream?: string | undefined;
      readonly credentials?: UpstreamCredentials | undefined;
    },
  ): Promise<SpaceUsage> {
    const { store, seal, clock } = this.#parts;
    const { name, region, upstream, credentials } = members;
    const created = await store.createSpace({
      accountId,
      name,
      region,
      ...(upstream === undefined ? {} : { upstream }),
      ...(credentials === undefined
        ? {}
        : {
            sealedCredentials: seal.seal(
              JSON.stringify(credentials),
              credentialsPurpose(name, region),
            ),
          }),
      createdAt: clock.now(),
    });
    if (created === "name-taken") {
      throw new Problem("conflict", `name: there is a Space ${name} in ${region} already`);
    }
    return { ...created, objectCount: 0, sizeBytes: 0 };
  }

  /** @throws Problem("not_found") also when it is another account's */
  find(accountId: number, region: string, name: string): Space {
    const space = this.#parts.store.findSpace(name, region);
    if (space === undefined || space.accountId !== accountId) {
      throw notFound(`There is no Space ${name} in ${region}.`);
    }
    return space;
  }

  page(accountId: number, offset: number, limit: number): Listed<SpaceUsage> {
    return this.#parts.store.pageOfSpaces(accountId, offset, limit);
  }

  /** @throws Problem("conflict") while it has objects, or an endpoint serves it */
  async delete(space: Space): Promise<void> {
    const result = await this.#parts.store.deleteSpace(space.id);
    if (result === "not-empty") {
      throw new Problem("conflict", `The Space ${space.name} has objects: remove them first.`);
    }
    if (result === "in-use") {
      throw new Problem(
        "conflict",
        `The Space ${space.name} is the origin of a CDN endpoint: delete that first.`,
      );
    }
  }

  /** Replaces all rules for requests from other origins, or removes them; then the edges have them. */
  async changeCors(space: Space, rules: readonly CorsRule[] | undefined): Promise<void> {
    const result = await this.#parts.store.putCors(space.id, rules);
    if (result === "space-missing") throw notFound(`There is no Space ${space.name}.`);
    if (result.number !== undefined) await this.#parts.settled(result.number);
  }

  /** Replaces the object as a whole, once all of its bytes are on the disk. */
  async put(
    space: Space,
    key: string,
    head: ObjectHead,
    bytes: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): Promise<StoredObject> {
    const { store, files, clock } = this.#parts;
    refuseUpstream(space);
    const written = await files.write(bytes, OBJECT_BYTES_MAX, signal);
    const object: StoredObject = {
      ...head,
      ...written,
      spaceId: space.id,
      key,
      lastModified: clock.now(),
    };
    const result = await store.putObject(object).catch(async (error: unknown) => {
      await files.remove(written.file);
      throw error;
    });
    if (result === "space-missing") {
      await files.remove(written.file);
      throw notFound(`There is no Space ${space.name}.`);
    }
    if (result.replacedFile !== undefined) await files.remove(result.replacedFile);
    return object;
  }

  async remove(space: Space, key: string): Promise<void> {
    const { store, files } = this.#parts;
    refuseUpstream(space);
    const file = await store.deleteObject(space.id, key);
    if (file === undefined) throw notFound(`There is no object ${key} in ${space.name}.`);
    await files.remove(file);
  }

  /** One page in order of the keys, and where the next one begins. */
  list(
    space: Space,
    range: { readonly prefix: string; readonly after: string; readonly limit: number },
  ): { readonly objects: readonly StoredObject[]; readonly next?: string } {
    refuseUpstream(space);
    const limit = Math.min(range.limit, OBJECTS_LISTED_MAX);
    const found = this.#parts.store.listObjects(space.id, { ...range, limit: limit + 1 });
    const objects = found.slice(0, limit);
    const next = found.length > limit ? objects.at(-1)?.key : undefined;
    return next === undefined ? { objects } : { objects, next };
  }
}

function refuseUpstream(space: Space): void {
  if (space.upstream === undefined) return;
  throw new Problem(
    "conflict",
    `The objects of ${space.name} are at ${space.upstream}: change them there.`,
  );
}

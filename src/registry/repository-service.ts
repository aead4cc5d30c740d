import { notFound, Problem } from "#problem.ts";
import type { Registry } from "./registry.ts";
import type { DeletedContent, Repository, RepositoryStore } from "./repository.ts";

export interface RepositoryServiceParts {
  readonly store: RepositoryStore;
  /** What was deleted has left something to be removed. */
  readonly wake: () => void;
}

/** What is deleted of a registry's contents; 404 for what is not there (CONTRACT §4). */
export class RepositoryService {
  readonly #parts: RepositoryServiceParts;

  constructor(parts: RepositoryServiceParts) {
    this.#parts = parts;
  }

  get store(): RepositoryStore {
    return this.#parts.store;
  }

  /** @throws Problem("not_found") */
  find(registry: Registry, name: string): Repository {
    const repository = this.#parts.store.findRepository(registry.id, name);
    if (repository === undefined) throw notFound("repository not found");
    return repository;
  }

  /** @throws Problem("not_found") */
  async delete(registry: Registry, name: string): Promise<void> {
    const { store, wake } = this.#parts;
    if (!(await store.deleteRepository(registry.id, name))) throw notFound("repository not found");
    wake();
  }

  /** @throws Problem("not_found"); Problem("conflict") when it is immutable */
  async deleteTag(repository: Repository, name: string): Promise<void> {
    refuse(await this.#parts.store.deleteTag(repository.id, name), "tag not found");
  }

  /** @throws Problem("not_found"); Problem("conflict") when a tag of it is immutable */
  async deleteManifest(repository: Repository, digest: string): Promise<void> {
    refuse(await this.#parts.store.deleteManifest(repository.id, digest), "manifest not found");
  }
}

/** @throws Problem when nothing was deleted */
function refuse(deleted: DeletedContent, missing: string): void {
  if (deleted.kind === "missing") throw notFound(missing);
  if (deleted.kind === "deleted") return;
  throw new Problem(
    "conflict",
    `tag ${deleted.tag} is immutable: change the registry's settings to delete it`,
  );
}

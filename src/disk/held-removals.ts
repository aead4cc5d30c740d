/** Removals of files that wait while a backup reads them. */
export class HeldRemovals {
  /** By the file's name: how it is removed, if it still may be then. */
  readonly #waiting = new Map<string, () => Promise<unknown>>();
  #holders = 0;

  /** @returns whether the removal waits; else it is the caller's to make now */
  hold(name: string, removal: () => Promise<unknown>): boolean {
    if (this.#holders > 0) this.#waiting.set(name, removal);
    return this.#holders > 0;
  }

  /** Holds what is removed from now on, until it and every other holder is disposed of. */
  begin(): AsyncDisposable {
    this.#holders += 1;
    return {
      [Symbol.asyncDispose]: async () => {
        this.#holders -= 1;
        if (this.#holders === 0) await this.#makeAll();
      },
    };
  }

  /** One file that stays must not keep the others. */
  async #makeAll(): Promise<void> {
    const removals = [...this.#waiting.values()];
    this.#waiting.clear();
    const failures: unknown[] = [];
    for (const removal of removals) await removal().catch((error) => failures.push(error));
    if (failures.length > 0) throw new AggregateError(failures, "Files were not removed");
  }
}

/**
 * Resources that end at the same time and not one after the other, so that they share one grace
 * period. One that fails to end does not keep the others from it.
 */
export class Together implements AsyncDisposable {
  readonly #resources: AsyncDisposable[] = [];

  use<T extends AsyncDisposable>(resource: T): T {
    this.#resources.push(resource);
    return resource;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ends = await Promise.allSettled(
      this.#resources.map(async (resource) => resource[Symbol.asyncDispose]()),
    );
    for (const end of ends) if (end.status === "rejected") throw end.reason;
  }
}

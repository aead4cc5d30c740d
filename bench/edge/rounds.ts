import { median } from "../processes.ts";

/** Figures by row, server and round; compared within a round, since rounds differ in noise. */
export class Rounds {
  readonly #rows = new Map<string, Map<string, Map<number, number>>>();

  add(row: string, server: string, { round, value }: { round: number; value: number }): void {
    const servers = this.#rows.getOrInsertComputed(row, () => new Map());
    servers.getOrInsertComputed(server, () => new Map()).set(round, value);
  }

  rows(): string[] {
    return [...this.#rows.keys()];
  }

  /** Servers that have a figure in any row. */
  servers(): Set<string> {
    return new Set(this.#rows.values().flatMap((servers) => servers.keys()));
  }

  median(row: string, server: string): number | undefined {
    return medianOf(this.#of(row, server).values());
  }

  /** The median of what each round's ratio was. */
  ratio(row: string, server: string, other: string): number | undefined {
    const others = this.#of(row, other);
    const ratios = this.#of(row, server)
      .entries()
      .flatMap(([round, value]) => {
        const base = others.get(round);
        return base === undefined ? [] : [value / base];
      });
    return medianOf(ratios);
  }

  #of(row: string, server: string): ReadonlyMap<number, number> {
    return this.#rows.get(row)?.get(server) ?? new Map<number, number>();
  }
}

function medianOf(values: Iterable<number>): number | undefined {
  const all = [...values];
  return all.length === 0 ? undefined : median(all);
}

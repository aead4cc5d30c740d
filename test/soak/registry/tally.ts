const FAULTS_SHOWN = 20;

/** What was done, and what was not as it has to be. */
export class Tally {
  /** By method and status. */
  readonly answers = new Map<string, number>();
  /** What clients did, by its name. */
  readonly acts = new Map<string, number>();
  readonly faults: string[] = [];
  /** Begun again because the server was killed. */
  cut = 0;
  #faultCount = 0;

  get faultCount(): number {
    return this.#faultCount;
  }

  answered(method: string, status: number): void {
    count(this.answers, `${method} ${status}`);
  }

  did(act: string): void {
    count(this.acts, act);
  }

  fault(text: string): void {
    this.#faultCount += 1;
    if (this.faults.length < FAULTS_SHOWN) this.faults.push(text);
  }
}

function count(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

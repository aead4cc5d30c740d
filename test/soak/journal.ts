import type { LogLine } from "../support/edge-alone.ts";
import type { Program } from "../support/processes.ts";

/** What the edge has logged, line by line, as it comes. */
export class Journal {
  /** By level and message. */
  readonly counts = new Map<string, number>();
  /** Lines of level error, but for those that say that a worker has ended. */
  readonly errors: string[] = [];
  /** What is no line of a log. */
  readonly strange: string[] = [];
  /** Workers that have said that they listen. */
  readonly listening = new Set<number>();
  #rest = "";

  constructor({ child }: Program, already: string) {
    this.#take(already);
    child.stderr?.on("data", (text: string) => this.#take(text));
  }

  get workersEnded(): number {
    return this.counts.get("error: edge worker ended") ?? 0;
  }

  #take(text: string): void {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) this.#line(line);
  }

  #line(text: string): void {
    if (!text.startsWith("{")) {
      this.strange.push(text);
      return;
    }
    const line = JSON.parse(text) as LogLine;
    // oxlint-disable-next-line typescript/no-base-to-string
    const detail = line["detail"] === undefined ? "" : ` (${String(line["detail"])})`;
    const what = `${line.level}: ${line.msg}${detail}`;
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
    if (line.msg === "edge worker listens") this.listening.add(Number(line["worker_pid"]));
    if (line.level === "error" && line.msg !== "edge worker ended") this.errors.push(text);
  }
}

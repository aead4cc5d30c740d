import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import type { Body } from "#edge/cache/body.ts";
import { MemoryBudget } from "#edge/cache/memory-budget.ts";
import type { FetchRange } from "#edge/cache/stored-body.ts";
import type { BodySink, OriginFailure, OriginResponse } from "#edge/origin/origin.ts";
import { SliceSource } from "#edge/slices/slice-source.ts";
import { SlicedReader } from "#edge/slices/sliced-reader.ts";
import { type Content, MIB } from "./support.ts";

/** A fetch of slices that the test answers. */
interface AskedFetch {
  /** `0-3` are the first four. */
  readonly slices: string;
  readonly fields: readonly string[];
  readonly signal: AbortSignal;
  readonly isAnswered: boolean;
  /** Whether the sink has said that it takes no more. */
  readonly isHeldBack: boolean;
  answer(changes?: Partial<OriginResponse>): void;
  refuse(): void;
  /** Brings octets of what was asked for, from where it was; as long as they are taken. */
  send(bytes: number): number;
  /** Brings all of the object, as one who knows no ranges does. */
  sendWhole(): void;
  end(): void;
  fail(): void;
}

export interface SourceUnderTest {
  readonly source: SliceSource;
  readonly budget: MemoryBudget;
  readonly fetches: AskedFetch[];
  /** Slices that were kept, as they are found again. */
  readonly kept: Map<string, Body>;
  /** Goes on with the fetch that has been asked for last. */
  readonly last: () => AskedFetch;
  readonly reader: (first: number, end: number) => TestReader;
}

/** Takes what is there when it is told to, and checks it. */
export class TestReader {
  readonly reader: SlicedReader;
  readonly #content: Content;
  #state = "pending";

  constructor(reader: SlicedReader, content: Content) {
    this.reader = reader;
    this.#content = content;
  }

  /** How it ended, if it did. */
  get state(): string {
    return this.#state;
  }

  /** Takes what is there from now on as soon as it is there, as a connection does that has room. */
  follow(): this {
    this.reader.whenReadable(() => void this.take());
    this.take();
    return this;
  }

  /** Takes all there is, and says how it ended. */
  take(): string {
    for (;;) {
      const at = this.reader.position;
      const part = this.reader.read();
      if (typeof part === "string") {
        this.#state = part;
        if (part !== "pending") this.reader.close();
        return part;
      }
      assert(this.#content.slice(at, at + part.length).equals(part), `wrong octets at ${at}`);
    }
  }
}

const RANGE_END = 64 * 1024;

export function sourceUnderTest(
  content: Content,
  { bytesMax = 64 * MIB }: { readonly bytesMax?: number } = {},
): SourceUnderTest {
  const budget = new MemoryBudget(bytesMax);
  const kept = new Map<string, Body>();
  const fetches: AskedFetch[] = [];
  const identity = { generation: "g", length: content.length, validator: '"a"' };
  const keeper = {
    get: (key: string) => kept.get(key),
    has: (key: string) => kept.has(key),
    find: () => Promise.resolve(undefined),
    put: (key: string, body: Body) => {
      body.hold();
      kept.set(key, body);
    },
  };
  const source = new SliceSource(identity, keeper, budget);
  const fetch: FetchRange = (range, fields, signal) => {
    const { promise, resolve } = Promise.withResolvers<OriginResponse | OriginFailure>();
    fetches.push(askedFetch(content, { range, fields, signal, resolve }));
    return promise;
  };
  return {
    source,
    budget,
    fetches,
    kept,
    last: () => {
      const last = fetches.at(-1);
      assert(last !== undefined);
      return last;
    },
    reader: (first, end) => new TestReader(new SlicedReader(source, first, end, fetch), content),
  };
}

function askedFetch(
  content: Content,
  {
    range: { first, last },
    fields,
    signal,
    resolve,
  }: {
    readonly range: { readonly first: number; readonly last: number };
    readonly fields: readonly string[];
    readonly signal: AbortSignal;
    readonly resolve: (answer: OriginResponse | OriginFailure) => void;
  },
): AskedFetch {
  let sink: BodySink | undefined;
  let at = first;
  let isHeldBack = false;
  let isAnswered = false;
  const body = {
    read: (reader: BodySink) => {
      sink = reader;
    },
    resume: () => {
      isHeldBack = false;
    },
  };
  return {
    slices: `${first / MIB}-${Math.floor(last / MIB)}`,
    fields,
    signal,
    get isAnswered() {
      return isAnswered;
    },
    get isHeldBack() {
      return isHeldBack;
    },
    answer: (changes = {}) => {
      isAnswered = true;
      const said = ["etag", '"a"', "content-range", `bytes ${first}-${last}/${content.length}`];
      resolve({
        kind: "response",
        status: 206,
        fields: said,
        length: last - first + 1,
        body,
        discard: () => undefined,
        requestTime: 0,
        responseTime: 0,
        ...changes,
      });
    },
    refuse: () =>
      resolve({ kind: "failed", status: 502, detail: "origin-unreachable", reason: "" }),
    send: (bytes) => {
      assert(sink !== undefined);
      const end = Math.min(at + bytes, last + 1);
      const from = at;
      while (at < end && !isHeldBack && !signal.aborted) {
        const chunk = content.slice(at, Math.min(at + RANGE_END, end));
        at += chunk.length;
        isHeldBack = !sink.chunk(chunk);
      }
      return at - from;
    },
    sendWhole: () => {
      for (const chunk of content.chunks(0, content.length)) sink?.chunk(chunk);
    },
    end: () => sink?.end([]),
    fail: () => sink?.fail(),
  };
}

/** Answers all that the reader asks for, until it has come to its end. */
export async function serveAll(
  { fetches }: SourceUnderTest,
  reader: TestReader,
  { bytes = MIB, polls = true }: { readonly bytes?: number; readonly polls?: boolean } = {},
): Promise<void> {
  for (let turn = 0; reader.state === "pending"; turn += 1) {
    assert(turn < 10_000, "it does not come to an end");
    if (polls) reader.take();
    for (const fetch of fetches) {
      if (!fetch.isAnswered) fetch.answer();
    }
    await settled();
    fetches.at(-1)?.send(bytes);
  }
  assert.equal(reader.state, "end");
}

/** What was answered has come to who asked. */
export async function settled(): Promise<void> {
  await setImmediate();
  await setImmediate();
}

/** So much of the budget is taken by what cannot be evicted. */
export function fillUp(budget: MemoryBudget): void {
  budget.charge(budget.bytesMax - budget.used, "readers");
}

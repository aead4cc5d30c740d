import assert from "node:assert/strict";
import { pid } from "node:process";
import { cacheKey } from "#edge/cache/key.ts";
import { MemoryBudget } from "#edge/cache/memory-budget.ts";
import { MemoryStore } from "#edge/cache/memory-store.ts";
import { storedResponse } from "#edge/cache/stored-response.ts";
import { selectingFields, varyNames } from "#edge/cache/vary.ts";
import { DiskTier } from "#edge/disk/disk-tier.ts";
import { decisionsOf } from "#edge/explain/decisions.ts";
import { explain } from "#edge/explain.ts";
import { FeedFollower } from "#edge/feed-follower.ts";
import { PlatformNames } from "#edge/handover/platform-names.ts";
import { decodeHead, type KeptHead } from "#edge/tiers/kept-head.ts";
import { Tiers } from "#edge/tiers/tiers.ts";
import { wholeBody } from "#edge/tiers/whole-body.ts";
import type { EdgeEndpoint } from "#feed/entry.ts";
import type { ExplainAnswer, ExplainedRequest, ExplainedStepName } from "#feed/explained.ts";
import type { Disk } from "./disk/support.ts";
import { endpoint, host, NOW, newGate } from "./settings/support.ts";

/** `atoll edge`, without a TTL. */
export const PROXY: EdgeEndpoint = {
  id: endpoint.id,
  role: "proxy",
  space: "",
  region: "",
  domain: "",
  upstream: { url: "http://origin.example" },
};

/** What the control plane answers on. */
export const PLATFORM_NAME = "api.example.net";

/** What a test stores: a 200 without fields, received now, unless it says otherwise. */
interface Kept {
  readonly status?: number;
  readonly fields?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly receivedAt?: number;
  /** Of the request that it answered. */
  readonly requestFields?: readonly string[];
}

/** A worker's parts, as far as they decide, without anything that could be fetched from. */
export class Explained {
  readonly feed = new FeedFollower();
  readonly memory: MemoryStore;
  readonly disk: DiskTier<KeptHead> | undefined;
  readonly tiers: Tiers;
  readonly #budget = new MemoryBudget(64 * 1024 * 1024);
  readonly #endpoint: EdgeEndpoint;
  #number = 1;

  constructor(changes: Partial<EdgeEndpoint> = {}, disk?: Disk) {
    this.#endpoint = changes.role === "proxy" ? PROXY : { ...endpoint, ...changes };
    this.memory = new MemoryStore(this.#budget);
    this.disk = disk && tierOn(disk);
    this.tiers = this.another();
    this.feed.apply([{ number: 1, kind: "endpoint-put", endpoint: this.#endpoint }]);
  }

  /** Those of a worker that has just begun, and so knows of no variants. */
  another(memory = this.memory): Tiers {
    return new Tiers({ memory, disk: this.disk, budget: this.#budget });
  }

  store(target: string, kept: Kept = {}): void {
    const { status = 200, fields = {}, body = "0123456789" } = kept;
    const { receivedAt: responseTime = NOW, requestFields = [] } = kept;
    const head = { status, fields: Object.entries(fields).flat() };
    const octets = wholeBody(Buffer.from(body), this.#budget);
    assert(octets !== undefined);
    const role = this.#endpoint.role ?? "space";
    const names = role === "proxy" ? varyNames(head.fields) : [];
    const primary = cacheKey(this.#endpoint, { host, target }, {});
    const key = this.tiers.keyOfNew(
      { key: primary, fields: requestFields },
      names === "*" ? [] : names,
    );
    const stored = storedResponse(
      { ...head, requestTime: responseTime, responseTime },
      {
        key,
        body: octets,
        contentLength: body.length,
        purgesCheckedAt: this.#number,
        selecting: selectingFields(names === "*" ? "*" : names.join(), requestFields),
        role,
      },
    );
    this.tiers.put(stored);
  }

  purge(patterns: readonly string[], soft = false): void {
    this.#number += 1;
    const { id } = this.#endpoint;
    this.feed.apply([{ number: this.#number, kind: "purge", id, patterns, soft }]);
  }

  async answer(
    asked: Partial<ExplainedRequest> = {},
    { now = NOW, tiers = this.tiers, owns = true } = {},
  ): Promise<ExplainAnswer> {
    const request = { isTls: false, host, target: "/a", method: "GET", fields: [], ...asked };
    const platform = new PlatformNames([{ name: PLATFORM_NAME, port: 1, secret: "" }], 8_444);
    const siblings = { owns: () => owns };
    const parts = { feed: this.feed, gate: newGate(), tiers, platform, siblings };
    return explain(await decisionsOf(parts, { request, now }));
  }

  /** The lines of one step; none, if it does not come to that. */
  async lines(
    step: ExplainedStepName,
    ...asked: Parameters<Explained["answer"]>
  ): Promise<readonly string[]> {
    const { decided, found } = await this.answer(...asked);
    return [...decided, ...found].find((one) => one.step === step)?.lines ?? [];
  }
}

function tierOn(disk: Disk): DiskTier<KeptHead> {
  return new DiskTier<KeptHead>({
    folder: disk.folder,
    slot: 0,
    pid,
    openFilesMax: 10,
    decodeHead,
    clock: { now: () => disk.now() },
    monotonic: { now: () => 0 },
    log: { info: () => undefined, warn: () => undefined, error: () => undefined },
    grew: () => undefined,
  });
}

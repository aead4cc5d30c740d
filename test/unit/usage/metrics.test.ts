import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { EdgeCounters } from "#usage/edge-counters.ts";
import { EdgeUsage, type MergedUsage } from "#usage/edge-usage.ts";
import { DURATION_BOUNDS, EDGE_FAMILIES, ENDPOINT_FAMILIES } from "#usage/family.ts";
import { metricsText } from "#usage/metrics.ts";
import { type OwnProcess, ownProcess } from "#usage/own-process.ts";
import { familyHead, sampleLine } from "#usage/prometheus.ts";

const own: OwnProcess = {
  version: "1.2.3",
  cpuSeconds: 1.5,
  residentBytes: 100,
  startedAtSeconds: 1_000,
  heapUsedBytes: 50,
  externalBytes: 10,
  loopActiveSeconds: 0.5,
  openFiles: 20,
};

interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Reads the text format back, and refuses what Prometheus would. */
function parseMetrics(text: string): Sample[] {
  assert(text.endsWith("\n"));
  const seen = new Set<string>();
  const types = new Map<string, string>();
  const samples: Sample[] = [];
  for (const line of text.slice(0, -1).split("\n")) {
    const [, kind, of = "", rest = ""] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? [];
    if (kind === "TYPE") {
      assert(!types.has(of), `${of} is declared twice`);
      types.set(of, rest);
    }
    if (kind !== undefined) continue;
    const match = /^([a-z_]+)(?:\{((?:[a-z_]+="(?:[^"\\\n]|\\[\\"n])*",?)*)\})? (\S+)$/.exec(line);
    const [, name = "", labelText = "", value = ""] = match ?? assert.fail(line);
    const family = name.replace(/_(?:bucket|sum|count)$/, "");
    assert(
      [...types.keys()].at(-1) === (types.has(name) ? name : family),
      `${line} is out of place`,
    );
    const key = `${name}{${labelText}}`;
    assert(!seen.has(key), `${key} is there twice`);
    seen.add(key);
    const pairs = labelText.matchAll(/([a-z_]+)="((?:[^"\\]|\\.)*)"/g);
    const labels = Object.fromEntries(
      [...pairs].map(([, label = "", text_ = ""]) => [label, unescape(text_)]),
    );
    samples.push({ name, labels, value: value === "+Inf" ? Infinity : Number(value) });
  }
  return samples;
}

const unescape = (text: string): string =>
  text.replaceAll(/\\(.)/g, (_, character: string) => (character === "n" ? "\n" : character));

async function merged(count: (counters: EdgeCounters) => void): Promise<MergedUsage> {
  const counters = new EdgeCounters();
  count(counters);
  const usage = new EdgeUsage();
  usage.join(() => undefined).heard(counters.snapshot({ cpuSeconds: 3, residentBytes: 400 }));
  return usage.merged();
}

function answered(counters: EdgeCounters, id: string, tookMs: number): void {
  counters.ended(
    {
      client: { tls: {} },
      request: { version: "HTTP/2.0" },
      reply: { status: 404, cache: "MISS" },
      sentBytes: 9,
      whole: true,
      tookMs,
    },
    counters.endpoint(id),
  );
}

function valueOf(samples: readonly Sample[], name: string, labels: Record<string, string> = {}) {
  const wanted = Object.entries(labels);
  const found = samples.filter(
    (sample) =>
      sample.name === name && wanted.every(([key, value]) => sample.labels[key] === value),
  );
  return found.map(({ value }) => value);
}

describe("the metrics", () => {
  test("have what an endpoint did, and no series for what it did not", async () => {
    const usage = await merged((counters) => answered(counters, "e1", 3));
    const samples = parseMetrics(metricsText(usage, own));
    const requests = samples.filter(({ name }) => name === "atoll_edge_requests_total");
    assert.deepEqual(requests, [
      {
        name: "atoll_edge_requests_total",
        labels: { endpoint: "e1", cache: "MISS", status: "4xx" },
        value: 1,
      },
    ]);
    assert.deepEqual(valueOf(samples, "atoll_edge_response_bytes_total", { endpoint: "e1" }), [9]);
  });

  test("have every series of the edge from the beginning", async () => {
    const samples = parseMetrics(metricsText(await merged(() => undefined), own));
    for (const result of ["full", "resumed", "failed"]) {
      assert.deepEqual(valueOf(samples, "atoll_edge_tls_handshakes_total", { result }), [0]);
    }
    assert.equal(valueOf(samples, "atoll_edge_connections").length, 6);
    assert.deepEqual(valueOf(samples, "atoll_edge_workers"), [1]);
    assert.deepEqual(valueOf(samples, "atoll_edge_cpu_seconds_total"), [3]);
  });

  test("put each number under the labels that it was counted with", async () => {
    const usage = await merged((counters) => {
      answered(counters, "e1", 3);
      counters.opened("HTTP/2.0", true);
      counters.accepted(true);
      counters.handshake("resumed");
    });
    const samples = parseMetrics(metricsText(usage, own));
    const ones: (readonly [string, Record<string, string>])[] = [
      ["atoll_edge_protocol_requests_total", { protocol: "HTTP/2.0", tls: "on" }],
      ["atoll_edge_connections", { protocol: "HTTP/2.0", tls: "on" }],
      ["atoll_edge_connections_total", { tls: "on" }],
      ["atoll_edge_tls_handshakes_total", { result: "resumed" }],
    ];
    for (const [name, labels] of ones) {
      assert.deepEqual(valueOf(samples, name, labels), [1]);
      assert.equal(
        valueOf(samples, name).reduce((sum, value) => sum + value),
        1,
        name,
      );
    }
  });

  test("have durations in buckets that only grow, and whose last is the count", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(100_000), { maxLength: 20 }), async (times) => {
        const usage = await merged((counters) => {
          for (const ms of times) answered(counters, "e1", ms);
        });
        const samples = parseMetrics(metricsText(usage, own));
        const name = "atoll_edge_request_duration_seconds";
        const labels = { cache: "MISS" };
        const buckets = valueOf(samples, `${name}_bucket`, labels);
        const expected = [...DURATION_BOUNDS, Infinity].map(
          (bound) => times.filter((ms) => ms / 1_000 <= bound).length,
        );
        assert.deepEqual(buckets, expected);
        assert.deepEqual(valueOf(samples, `${name}_count`, labels), [times.length]);
        const [sum = Number.NaN] = valueOf(samples, `${name}_sum`, labels);
        assert(Math.abs(sum - times.reduce((total, ms) => total + ms / 1_000, 0)) < 1e-6);
      }),
      { numRuns: 30 },
    );
  });

  test("tell of the control plane's process, and of what is added to them", async () => {
    const more = [
      { name: "atoll_x", help: "X.", type: "gauge", series: [[["a", "b"], 4]] },
    ] as const;
    const samples = parseMetrics(metricsText(await merged(() => undefined), own, more));
    assert.deepEqual(valueOf(samples, "process_cpu_seconds_total"), [1.5]);
    assert.deepEqual(valueOf(samples, "process_open_fds"), [20]);
    assert.deepEqual(valueOf(samples, "atoll_build_info", { version: "1.2.3" }), [1]);
    assert.deepEqual(valueOf(samples, "atoll_x", { a: "b" }), [4]);
    const here = ownProcess("1");
    assert(here.cpuSeconds > 0 && here.residentBytes > 1e6 && here.startedAtSeconds > 1e9);
  });

  test("have names as Prometheus wants them", () => {
    for (const { name, type } of [
      ...Object.values(ENDPOINT_FAMILIES),
      ...Object.values(EDGE_FAMILIES),
    ]) {
      assert.match(name, /^atoll_edge_[a-z_]+$/);
      assert.equal(name.endsWith("_total"), type === "counter", name);
    }
  });
});

describe("a line of the metrics", () => {
  test("escapes what its labels and its help need", () => {
    assert.equal(sampleLine("m", ["l", 'a\\b"c\nd'], 1), 'm{l="a\\\\b\\"c\\nd"} 1\n');
    const head = familyHead({ name: "m", help: "a\\b\nc", type: "gauge" });
    assert.equal(head, "# HELP m a\\\\b\\nc\n# TYPE m gauge\n");
  });

  test("gives back any label value", () => {
    fc.assert(
      fc.property(fc.string(), (value) => {
        const [sample] = parseMetrics(`# TYPE m gauge\n${sampleLine("m", ["l", value], 0.5)}`);
        assert.deepEqual(sample, { name: "m", labels: { l: value }, value: 0.5 });
      }),
    );
  });
});

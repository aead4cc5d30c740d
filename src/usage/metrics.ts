import { CACHE_FAMILIES } from "./cache-family.ts";
import type { MergedUsage } from "./edge-usage.ts";
import {
  EDGE_FAMILIES,
  ENDPOINT_FAMILIES,
  type Family,
  type PlainFamily,
  type Values,
} from "./family.ts";
import { type OwnProcess, processFamilies } from "./own-process.ts";
import { familyHead, sampleLine, seriesFormat } from "./prometheus.ts";

/** What `/metrics` answers: the edge's counts, then the control plane's process, then `more`. */
export function metricsText(
  usage: MergedUsage,
  own: OwnProcess,
  more: readonly PlainFamily[] = [],
): string {
  const workers: PlainFamily = {
    name: "atoll_edge_workers",
    help: "Edge workers that run.",
    type: "gauge",
    series: [[[], usage.workers]],
  };
  const plain = [workers, ...processFamilies(own), ...more];
  return (
    endpointLines(usage) +
    workerLines(EDGE_FAMILIES, usage.edge) +
    workerLines(CACHE_FAMILIES, usage.cache) +
    plain.map(plainLines).join("")
  );
}

function endpointLines({ endpoints }: MergedUsage): string {
  let text = "";
  for (const key of keysOf(ENDPOINT_FAMILIES)) {
    const family: Family = ENDPOINT_FAMILIES[key];
    const series = seriesFormat(family, true);
    text += familyHead(family);
    for (const [id, values] of endpoints) text += series(values[key], ["endpoint", id]);
  }
  return text;
}

function workerLines<Name extends string>(
  families: Readonly<Record<Name, Family>>,
  values: Values<Name>,
): string {
  let text = "";
  for (const key of keysOf(families)) {
    const family = families[key];
    text += familyHead(family) + seriesFormat(family, false)(values[key], []);
  }
  return text;
}

function plainLines(family: PlainFamily): string {
  const lines = family.series.map(([labels, value]) => sampleLine(family.name, labels, value));
  return familyHead(family) + lines.join("");
}

function keysOf<Name extends string>(families: Readonly<Record<Name, Family>>): Name[] {
  return Object.keys(families) as Name[];
}

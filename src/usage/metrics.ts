import type { MergedUsage } from "./edge-usage.ts";
import { EDGE_FAMILIES, ENDPOINT_FAMILIES, type Family, type PlainFamily } from "./family.ts";
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
  return endpointLines(usage) + edgeLines(usage) + plain.map(plainLines).join("");
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

function edgeLines({ edge }: MergedUsage): string {
  let text = "";
  for (const key of keysOf(EDGE_FAMILIES)) {
    const family: Family = EDGE_FAMILIES[key];
    text += familyHead(family) + seriesFormat(family, false)(edge[key], []);
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

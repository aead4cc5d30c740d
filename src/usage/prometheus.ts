import { type Family, numbersPerSeries } from "./family.ts";

/** Of the text that this file writes: Prometheus' text format, version 0.0.4. */
export const METRICS_CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** Names and values, alternating. */
type Labels = readonly string[];

/** The lines of HELP and TYPE. They come once, before all of a family's series. */
export function familyHead(family: Pick<Family, "name" | "help" | "type">): string {
  const help = family.help.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
  return `# HELP ${family.name} ${help}\n# TYPE ${family.name} ${family.type}\n`;
}

/** One line: a series and its value. */
export function sampleLine(name: string, labels: Labels, value: number): string {
  let text = "";
  for (let i = 0; i < labels.length; i += 2) {
    text += `${text === "" ? "" : ","}${labels[i]}="${escapeLabel(labels[i + 1] ?? "")}"`;
  }
  return `${name}${text === "" ? "" : `{${text}}`} ${numberText(value)}\n`;
}

/** Writes the series of one array of numbers. `shared` labels are the same on each. */
export type SeriesFormat = (numbers: Float64Array, shared: Labels) => string;

/** The series of a family; with `sparse`, what was never counted has none. */
export function seriesFormat(family: Family, sparse: boolean): SeriesFormat {
  const { name, bounds } = family;
  const step = numbersPerSeries(family);
  const all = combinations(family.labels);
  return (numbers, shared) => {
    let text = "";
    for (const [n, own] of all.entries()) {
      const first = n * step;
      const value = numbers[first] ?? 0;
      if (bounds !== undefined) {
        text += histogramLines(name, bounds, [...shared, ...own], numbers.subarray(first));
      } else if (value !== 0 || !sparse) {
        text += sampleLine(name, [...shared, ...own], value);
      }
    }
    return text;
  };
}

/** Buckets are counted apart and shown as Prometheus has them: each with all those below it. */
function histogramLines(
  name: string,
  bounds: readonly number[],
  labels: Labels,
  numbers: Float64Array,
): string {
  let text = "";
  let count = 0;
  for (const [bucket, bound] of [...bounds, Number.POSITIVE_INFINITY].entries()) {
    count += numbers[bucket] ?? 0;
    text += sampleLine(`${name}_bucket`, [...labels, "le", numberText(bound)], count);
  }
  text += sampleLine(`${name}_sum`, labels, numbers[bounds.length + 1] ?? 0);
  return text + sampleLine(`${name}_count`, labels, count);
}

/** In the order of a family's numbers: the last label's values change fastest. */
function combinations(labels: Family["labels"]): Labels[] {
  let all: Labels[] = [[]];
  for (const [label, values] of Object.entries(labels)) {
    all = all.flatMap((before) => values.map((value) => before.concat(label, value)));
  }
  return all;
}

function numberText(value: number): string {
  return value === Number.POSITIVE_INFINITY ? "+Inf" : String(value);
}

function escapeLabel(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}

import type { Rounds } from "./rounds.ts";

const NONE = "–";

/** A table for bench/RESULTS.md, its columns aligned for who reads it in a terminal. */
export function markdown(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((_, column) =>
    Math.max(3, ...[head, ...rows].map((row) => (row[column] ?? "").length)),
  );
  const line = (cells: readonly string[]): string =>
    `| ${widths.map((width, column) => (cells[column] ?? "").padEnd(width)).join(" | ")} |`;
  const rule = `|${widths.map((width) => "-".repeat(width + 2)).join("|")}|`;
  return [line(head), rule, ...rows.map(line)].join("\n");
}

/** A row for each of the rounds' rows: each server's median, then the subject's ratio to each. */
export function comparison(
  rounds: Rounds,
  {
    title,
    servers,
    subject,
    show,
  }: {
    readonly title: string;
    readonly servers: readonly string[];
    readonly subject: string | undefined;
    readonly show: (value: number) => string;
  },
): string {
  const seen = rounds.servers();
  const columns = servers.filter((server) => seen.has(server));
  const others =
    subject === undefined || !seen.has(subject)
      ? []
      : columns.filter((server) => server !== subject);
  const ratio = (value: number): string => value.toFixed(2);
  const head = [title, ...columns, ...others.map((other) => `${subject} / ${other}`)];
  const cells = (row: string): string[] => [
    row,
    ...columns.map((server) => shown(rounds.median(row, server), show)),
    ...others.map((other) => shown(rounds.ratio(row, subject ?? "", other), ratio)),
  ];
  return markdown(head, rounds.rows().map(cells));
}

function shown(value: number | undefined, show: (value: number) => string): string {
  return value === undefined ? NONE : show(value);
}

/** Three digits that count, in thousands: 89.1k, 3.05k, 0.93k. */
export function thousands(value: number): string {
  const k = value / 1_000;
  return `${k >= 100 ? k.toFixed(0) : k >= 10 ? k.toFixed(1) : k.toFixed(2)}k`;
}

export function milliseconds(value: number): string {
  return value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

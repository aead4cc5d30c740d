/** What is asked for: objects of one size over one protocol. */
export interface Case {
  readonly name: string;
  readonly protocol: Protocol;
  readonly size: Size;
}

export type Protocol = "http1" | "tls" | "h2";

export interface Size {
  /** As in the paths of the origin: `/10k/0`. */
  readonly name: string;
  readonly label: string;
  readonly bytes: number;
  /** wrk's; fewer for large bodies, which would queue in socket buffers otherwise. */
  readonly connections: number;
}

export const SIZES: readonly Size[] = [
  { name: "1k", label: "1 KiB", bytes: 1_024, connections: 64 },
  { name: "10k", label: "10 KiB", bytes: 10_240, connections: 64 },
  { name: "1m", label: "1 MiB", bytes: 1_048_576, connections: 16 },
];

const PROTOCOLS: readonly Protocol[] = ["http1", "tls", "h2"];

const PROTOCOL_LABELS: Readonly<Record<Protocol, string>> = {
  http1: "HTTP/1.1",
  tls: "HTTP/1.1, TLS 1.3",
  h2: "HTTP/2, TLS 1.3",
};

export const CASES: readonly Case[] = PROTOCOLS.flatMap((protocol) =>
  SIZES.map((size) => ({ name: `${protocol}-${size.name}`, protocol, size })),
);

export function caseLabel({ protocol, size }: Case): string {
  return `${PROTOCOL_LABELS[protocol]}, ${size.label}`;
}

export function caseNamed(name: string): Case {
  const found = CASES.find((each) => each.name === name);
  if (found === undefined) throw new Error(`There is no case ${name}`);
  return found;
}

/** The path of one of the objects of a size. */
export function objectPath(size: Size, number: number): string {
  return `/${size.name}/${number}`;
}

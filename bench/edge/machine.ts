import { cpus, release, totalmem } from "node:os";
import { version } from "node:process";
import { CIPHER } from "./certificate.ts";
import { versionOf } from "./program.ts";
import type { Peer } from "./server.ts";

export interface Found {
  readonly peer: Peer;
  readonly version: string;
}

const LOADS = [
  { name: "wrk", args: ["-v"], line: /wrk (?:debian\/)?(\S+)/ },
  { name: "h2load", args: ["--version"], line: /nghttp2\/(\S+)/ },
] as const;

/** What the tables were measured on, and of what. */
export async function describeMachine(found: readonly Found[]): Promise<string> {
  const loads = await Promise.all(
    LOADS.map(async ({ name, args, line }) => {
      const known = await versionOf(name, args, line);
      if (known === undefined) throw new Error(`${name} is not installed, and makes the load`);
      return `${name} ${known}`;
    }),
  );
  const model = cpus()[0]?.model ?? "unknown CPU";
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`;
  return [
    `${new Date().toISOString().slice(0, 10)}, ${cpus().length} × ${model}, ${memory}, ` +
      `Linux ${release()}, Node ${version.slice(1)}, ${loads.join(", ")}.`,
    `One worker each, on one core; the load on another. TLS 1.3 with ${CIPHER}, ECDSA P-256.`,
    "",
    ...found.map(
      ({ peer, version: known }) => `- ${peer.name} ${known}; access log: ${peer.accessLog}`,
    ),
  ].join("\n");
}

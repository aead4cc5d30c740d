import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { versionOf } from "../program.ts";
import type { Peer } from "../server.ts";

/** It has no TLS of its own. Its pools have hundreds of threads: one pool, on one core. */
export const varnish: Peer = {
  name: "Varnish",
  accessLog: "to shared memory, as it always does; varnishncsa not run",
  keeps: "memory",
  version: () => versionOf("varnishd", ["-V"], /varnish-(\S+)/),
  prepare: async ({ origin, port, workers, folder }) => {
    const { hostname, port: originPort } = new URL(origin);
    const path = join(folder, "bench.vcl");
    await writeFile(
      path,
      `vcl 4.1;\nbackend default { .host = "${hostname}"; .port = "${originPort}"; }\n`,
    );
    const args = [
      "-F",
      "-n",
      join(folder, "work"),
      "-f",
      path,
      "-a",
      `127.0.0.1:${port}`,
      "-s",
      "malloc,1g",
      "-p",
      `thread_pools=${workers}`,
      "-p",
      "timeout_idle=300",
    ];
    return { program: "varnishd", args, ports: [port] };
  },
};

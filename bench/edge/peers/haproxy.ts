import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { versionOf } from "../program.ts";
import type { Launch, Peer } from "../server.ts";

export const haproxy: Peer = {
  name: "HAProxy",
  accessLog: "none (Debian's goes to syslog, which is not run here)",
  keeps: "memory",
  version: () => versionOf("haproxy", ["-v"], /version (\S+)/),
  prepare: async (launch) => {
    const path = join(launch.folder, "haproxy.cfg");
    await writeFile(path, configuration(launch));
    const args = ["-db", "-f", path];
    return { program: "haproxy", args, ports: [launch.port, launch.tlsPort] };
  },
};

/** Sizes in `total-max-size` are MiB, in `max-object-size` bytes. */
function configuration({ origin, port, tlsPort, workers, certificate }: Launch): string {
  return `global
  nbthread ${workers}
  maxconn 12000
  no strict-limits
defaults
  mode http
  timeout connect 5s
  timeout client 300s
  timeout server 300s
  timeout http-keep-alive 300s
cache bench
  total-max-size 1024
  max-object-size 2097152
  max-age 3600
frontend edge
  bind 127.0.0.1:${port}
  bind 127.0.0.1:${tlsPort} ssl crt ${certificate.bothPath} alpn h2,http/1.1 ssl-min-ver TLSv1.3
  default_backend origin
backend origin
  http-request cache-use bench
  http-response cache-store bench
  server origin ${new URL(origin).host}
`;
}

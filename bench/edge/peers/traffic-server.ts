import { execFile } from "node:child_process";
import { appendFile, cp, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { getuid } from "node:process";
import { promisify } from "node:util";
import { versionOf } from "../program.ts";
import type { Launch, Peer } from "../server.ts";

const run = promisify(execFile);

const SHIPPED = "/etc/trafficserver";
/** Started by root it wants to become another, and then needs the folder to be that one's. */
const USER = "trafficserver";

/** Debian's own configuration, and after it what is ours: of two lines the later counts. */
export const trafficServer: Peer = {
  name: "Traffic Server",
  accessLog: "squid, binary, to a file, as shipped",
  keeps: "both",
  version: () => versionOf("traffic_server", ["--version"], /traffic_server - (\S+)/),
  prepare: async (launch) => {
    const config = join(launch.folder, "config");
    await cp(SHIPPED, config, { recursive: true });
    await Promise.all(["cache", "log", "run"].map((name) => mkdir(join(launch.folder, name))));
    // Root's files it could not read any more when it reads them anew.
    await cp(launch.certificate.certPath, join(config, "cert.pem"));
    await cp(launch.certificate.keyPath, join(config, "key.pem"));
    await appendFile(join(config, "records.config"), records(launch, config));
    await appendFile(join(config, "remap.config"), `map / ${launch.origin}\n`);
    await writeFile(join(config, "storage.config"), `${launch.folder}/cache 1G\n`);
    await writeFile(
      join(config, "ssl_multicert.config"),
      "dest_ip=* ssl_cert_name=cert.pem ssl_key_name=key.pem\n",
    );
    const layout = join(launch.folder, "runroot.yaml");
    await writeFile(layout, runRoot(launch.folder));
    if (isRoot()) await run("chown", ["-R", USER, launch.folder]);
    const ports = [launch.port, launch.tlsPort];
    return { program: "traffic_server", args: [], env: { TS_RUNROOT: layout }, ports };
  },
};

function isRoot(): boolean {
  return getuid?.() === 0;
}

function records({ port, tlsPort, workers }: Launch, config: string): string {
  return `
CONFIG proxy.config.exec_thread.autoconfig INT 0
CONFIG proxy.config.exec_thread.limit INT ${workers}
CONFIG proxy.config.http.server_ports STRING ${port}:ip-in=127.0.0.1 ${tlsPort}:ip-in=127.0.0.1:ssl
CONFIG proxy.config.admin.user_id STRING ${isRoot() ? USER : "#-1"}
CONFIG proxy.config.cache.ram_cache.size INT 1073741824
CONFIG proxy.config.http.keep_alive_no_activity_timeout_in INT 300
CONFIG proxy.config.ssl.server.cert.path STRING ${config}
CONFIG proxy.config.ssl.server.private_key.path STRING ${config}
`;
}

function runRoot(folder: string): string {
  return `prefix: ${folder}
exec_prefix: /usr
bindir: /usr/bin
sbindir: /usr/bin
sysconfdir: ${folder}/config
datadir: ${folder}/cache
includedir: /usr/include
libdir: /usr/lib
libexecdir: /usr/lib/trafficserver/modules
localstatedir: ${folder}/run
runtimedir: ${folder}/run
logdir: ${folder}/log
cachedir: ${folder}/cache
`;
}

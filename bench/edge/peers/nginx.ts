import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { getuid } from "node:process";
import { versionOf } from "../program.ts";
import type { Launch, Peer } from "../server.ts";

/** proxy_cache on the settings that its own tuning guides give. */
export const nginx: Peer = {
  name: "nginx",
  accessLog: "combined to a file, buffered",
  keeps: "disk",
  version: () => versionOf("nginx", ["-v"], /nginx\/(\S+)/),
  prepare: async (launch) => {
    const path = join(launch.folder, "nginx.conf");
    await writeFile(path, configuration(launch));
    const args = ["-e", "stderr", "-c", path, "-p", launch.folder];
    return { program: "nginx", args, ports: [launch.port, launch.tlsPort] };
  },
};

function configuration({ origin, port, tlsPort, workers, certificate, folder }: Launch): string {
  // Its worker would change to a user that cannot enter our folder.
  const user = getuid?.() === 0 ? "user root;" : "";
  return `${user}
daemon off;
pid ${folder}/nginx.pid;
worker_processes ${workers};
events { worker_connections 16384; }
http {
  default_type application/octet-stream;
  sendfile on;
  tcp_nopush on;
  keepalive_timeout 300s;
  keepalive_requests 1000000000;
  open_file_cache max=10000 inactive=300s;
  open_file_cache_valid 300s;
  access_log ${folder}/access.log combined buffer=64k flush=1s;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  proxy_cache_path ${folder}/cache levels=1:2 keys_zone=bench:256m max_size=6g use_temp_path=off;
  ssl_certificate ${certificate.certPath};
  ssl_certificate_key ${certificate.keyPath};
  ssl_protocols TLSv1.3;
  ssl_session_cache shared:sessions:10m;
  upstream origin {
    server ${new URL(origin).host};
    keepalive 64;
  }
  server {
    listen 127.0.0.1:${port};
    listen 127.0.0.1:${tlsPort} ssl http2;
    location / {
      proxy_pass http://origin;
      proxy_http_version 1.1;
      proxy_set_header connection "";
      proxy_cache bench;
    }
  }
}
`;
}

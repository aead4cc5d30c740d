import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { kill } from "node:process";
import { DatabaseSync } from "node:sqlite";
import { after, describe, test } from "node:test";
import { type ConnectionOptions, connect } from "node:tls";
import { promisify } from "node:util";
import { type Atoll, startAtoll } from "../support/atoll.ts";
import { exchange, type Reply } from "../support/exchange.ts";
import { noProcesses } from "../support/processes.ts";
import { until } from "../support/until.ts";
import { createEndpoint, freshName, putObject } from "../support/world.ts";

const atoll = await startAtoll({
  env: { ATOLL_EDGE_WORKERS: "2", ATOLL_DOMAIN: "example.net", ATOLL_HOST: "127.0.0.1" },
});
after(() => atoll[Symbol.asyncDispose]());

function caOf({ dataDir }: Atoll): string {
  return readFileSync(join(dataDir, "ca", "ca.pem"), "utf8");
}

/** Over TLS as curl would: the CA trusted, the name in SNI, on the port that the server has chosen. */
async function shake(options: ConnectionOptions & { readonly servername: string }) {
  const { port } = new URL(atoll.runtime.edge_tls);
  const socket = connect({ port: Number(port), host: "127.0.0.1", ca: caOf(atoll), ...options });
  try {
    const ticket = Promise.withResolvers<Buffer | undefined>();
    socket.on("session", ticket.resolve).on("close", () => ticket.resolve(undefined));
    await once(socket, "secureConnect");
    const { fingerprint256 } = socket.getPeerX509Certificate() ?? {};
    // TLS 1.2 gives none to who has one.
    if (socket.isSessionReused()) return { fingerprint256, resumed: true };
    return { fingerprint256, resumed: false, session: await ticket.promise };
  } finally {
    socket.destroy();
  }
}

async function get(servername: string, target: string): Promise<Reply> {
  return exchange(atoll.runtime.edge_tls + target, {
    ca: caOf(atoll),
    servername,
    headers: { host: servername },
  });
}

async function served(region: string, domain = "digitaloceanspaces.com") {
  const space = freshName("tls");
  await createEndpoint(atoll, `${space}.${region}.${domain}`);
  return {
    space,
    host: `${space}.${region}.cdn.${domain}`,
    local: `${space}.${region}.cdn.spaces.localhost`,
  };
}

describe("the edge over TLS", () => {
  test("serves a new endpoint under all of its names once its creation is answered", async () => {
    const { space, host, local } = await served("nyc3");
    await putObject(atoll, space, "a.txt", "served");
    for (const name of [host, local]) {
      const reply = await get(name, "/a.txt");
      assert.equal(reply.status, 200);
      assert.equal(reply.text, "served");
    }
  });

  test("knows a region, and a domain, from their first endpoint on", async () => {
    const unknown = "any.lon1.cdn.digitaloceanspaces.com";
    await assert.rejects(shake({ servername: unknown }), /unrecognized name/);
    for (const domain of ["digitaloceanspaces.com", "spaces.example.net", "spaces.localhost"]) {
      const { host, local } = await served("lon1", domain);
      for (const name of [host, local]) assert.equal((await get(name, "/none")).status, 404);
    }
  });

  test("makes one certificate for a region whose first endpoints come at once", async () => {
    const endpoints = await Promise.all(Array.from({ length: 20 }, () => served("sgp1")));
    const shown = new Set<string | undefined>();
    for (const { host } of endpoints) shown.add((await shake({ servername: host })).fingerprint256);
    assert.equal(shown.size, 1);
  });

  test("resumes sessions, whichever worker gets the connection", async () => {
    const { host } = await served("nyc3");
    for (const maxVersion of ["TLSv1.2", "TLSv1.3"] as const) {
      const { session } = await shake({ servername: host, maxVersion });
      assert(session !== undefined);
      for (let time = 0; time < 20; time += 1) {
        const { resumed } = await shake({ servername: host, maxVersion, session });
        assert.equal(resumed, true);
      }
    }
  });

  test("resumes sessions at a worker that took another's place", {
    skip: noProcesses,
  }, async () => {
    const { host } = await served("nyc3");
    const { session } = await shake({ servername: host });
    assert(session !== undefined);
    const before = atoll.workers;
    for (const worker of before) kill(worker, "SIGKILL");
    const again = await until("new workers answer", () =>
      shake({ servername: host, session }).catch(() => undefined),
    );
    assert.equal(again.resumed, true);
  });

  test("shows the same certificates after a restart, and again none to others", async () => {
    const { host } = await served("fra1");
    const before = await shake({ servername: host });
    await atoll.restart();
    const later = await shake({ servername: host });
    assert.equal(later.fingerprint256, before.fingerprint256);
    await assert.rejects(shake({ servername: "example.com" }), /unrecognized name/);
  });

  test("gives endpoints that were there before it their certificates at its start", async () => {
    const { host } = await served("tor1");
    await atoll.stop();
    {
      using db = new DatabaseSync(join(atoll.dataDir, "atoll.db"));
      db.exec("DELETE FROM certificate");
    }
    await atoll.start();
    assert.equal((await get(host, "/none")).status, 404);
  });

  test("has no private key in clear in the database, in the log, or in a reply", async () => {
    const { host } = await served("blr1");
    await shake({ servername: host });
    assert(!atoll.output.stderr.includes("PRIVATE"));
    const files = ["atoll.db", "atoll.db-wal"].map((name) => join(atoll.dataDir, name));
    for (const what of ["PRIVATE KEY", "BEGIN EC"]) {
      const grep = promisify(execFile)("grep", ["-laF", what, ...files]);
      const { stdout } = await grep.catch((error: { stdout: string }) => error);
      assert.equal(stdout, "", what);
    }
    const { stdout } = await promisify(execFile)("grep", ["-laF", "BEGIN CERTIFICATE", ...files]);
    assert.notEqual(stdout, "", "certificates are there to be found");
  });
});

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, describe, test } from "node:test";
import { promisify } from "node:util";
import { startAtoll } from "../support/atoll.ts";
import { exchange } from "../support/exchange.ts";
import { noProcesses } from "../support/processes.ts";
import { runAtoll, serveEnvironment, TOKEN } from "../support/program.ts";
import { until } from "../support/until.ts";
import { createEndpoint, originOf } from "../support/world.ts";

const folder = mkdtempSync(join(tmpdir(), "atoll-start-"));
after(() => rmSync(folder, { recursive: true }));

let made = 0;
function freshFolder(): string {
  made += 1;
  return join(folder, String(made));
}

describe("a start that cannot be", () => {
  test("names every mistake at once, and what is expected", async () => {
    const { code, stderr } = await runAtoll(
      ["serve"],
      serveEnvironment(freshFolder(), {
        ATOLL_API_PORT: "eighty",
        ATOLL_EDGE_WORKERS: "0",
        ATOLL_RATE_LIMITS: "maybe",
        ATOLL_HOST: "everywhere",
        ATOLL_SPACES_UPSTREAM: "ftp://store",
      }),
    );
    assert.notEqual(code, 0);
    for (const line of [
      /ATOLL_API_PORT: .*port/,
      /ATOLL_EDGE_WORKERS: .*1 to 256/,
      /ATOLL_RATE_LIMITS: .*on or off/,
      /ATOLL_HOST: .*address/,
      /ATOLL_SPACES_UPSTREAM: .*URL/,
    ]) {
      assert.match(stderr, line);
    }
  });

  test("does not repeat a token that is not well-formed", async () => {
    const env = serveEnvironment(freshFolder(), { ATOLL_TOKEN: "secret with spaces" });
    const { code, stdout, stderr } = await runAtoll(["serve"], env);
    assert.notEqual(code, 0);
    assert.match(stderr, /ATOLL_TOKEN/);
    assert(!(stdout + stderr).includes("secret with spaces"));
  });

  test("does not use up the token that the first start shows", async () => {
    const dataDir = freshFolder();
    const blocker = createServer().listen(0, "127.0.0.1");
    await once(blocker, "listening");
    const { port } = blocker.address() as AddressInfo;
    const taken = serveEnvironment(dataDir, { ATOLL_TOKEN: "", ATOLL_API_PORT: String(port) });
    const refused = await runAtoll(["serve"], taken);
    blocker.close();
    assert.equal(refused.code, 1);
    await using atoll = await startAtoll({ dataDir, env: { ATOLL_TOKEN: "" } });
    const [token] = /dop_v1_[0-9a-f]{64}/.exec(atoll.output.stdout) ?? [];
    assert(token !== undefined, "the next start shows the token");
    assert.equal((await atoll.api("GET", "/v2/account", { token })).status, 200);
  });

  test("is a second one on the same data folder, and the first goes on", async () => {
    await using first = await startAtoll();
    const { code, stderr } = await runAtoll(["serve"], serveEnvironment(first.dataDir));
    assert.notEqual(code, 0);
    assert(stderr.includes(first.dataDir), stderr);
    assert.match(stderr, /another Atoll serves from it/);
    assert.equal((await first.api("GET", "/v2/account")).status, 200);
  });

  for (const text of ["", "not base64url!", "abcde"]) {
    test(`is one whose HMAC key for a CA is ${JSON.stringify(text)}: not shown, but named`, async () => {
      const file = join(freshFolder(), "hmac");
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, `${text}\n`);
      const env = serveEnvironment(freshFolder(), {
        ATOLL_ACME_DIRECTORY: "https://ca.example/directory",
        ATOLL_ACME_EAB_KID: "kid-1",
        ATOLL_ACME_EAB_HMAC_FILE: file,
      });
      const { code, stderr } = await runAtoll(["serve"], env);
      assert.equal(code, 1);
      assert.match(stderr, /ATOLL_ACME_EAB_HMAC_FILE: .*hmac does not hold a key in base64url/);
      assert(text === "" || !stderr.includes(text), stderr);
    });
  }

  for (const part of ["API", "API_TLS", "EDGE", "EDGE_TLS"]) {
    const name = `ATOLL_${part}_PORT`;
    test(`is one whose ${name} is taken, and the message says which`, async () => {
      await using taken = createServer();
      taken.listen(0, "127.0.0.1");
      await once(taken, "listening");
      const port = String((taken.address() as AddressInfo).port);
      const env = serveEnvironment(freshFolder(), { [name]: port });
      const { code, stderr } = await runAtoll(["serve"], env);
      assert.notEqual(code, 0);
      assert(stderr.includes(port), stderr);
      assert(stderr.includes(name), stderr);
    });
  }
});

describe("the first start", () => {
  test("says version, URLs, data folder, a token, and a curl line that works as it stands", async () => {
    await using atoll = await startAtoll({ env: { ATOLL_TOKEN: "" } });
    // The summary follows when everything answers already.
    const stdout = await until("the summary is there", () => {
      return atoll.output.stdout.includes("curl ") && atoll.output.stdout;
    });
    const { version } = JSON.parse(
      readFileSync(join(import.meta.dirname, "../../package.json"), "utf8"),
    ) as { version: string };
    const { edge, edge_tls: edgeTls } = atoll.runtime;
    for (const text of [version, atoll.url, edge, edgeTls, atoll.dataDir]) {
      assert(stdout.includes(text), `${text} is not in:\n${stdout}`);
    }
    const token = /\bdop_v1_[0-9a-f]{64}\b/.exec(stdout)?.[0] ?? "none";
    assert.equal((await atoll.api("GET", "/v2/account", { token })).status, 200);
    const curl = /\b(curl .*)$/m.exec(stdout)?.[1] ?? "no curl line";
    const { stdout: said } = await promisify(execFile)("sh", ["-c", curl]);
    assert.doesNotMatch(said, /unauthorized|not_found/);

    await atoll.restart({ ATOLL_TOKEN: "" });
    await until("the summary is there again", () => atoll.output.stdout.includes("curl "));
    assert(!atoll.output.stdout.includes("dop_v1_"), "the token is printed once");
    assert.equal((await atoll.api("GET", "/v2/account", { token })).status, 200);
  });

  test("takes any visible ASCII as ATOLL_TOKEN, and keeps it beside earlier ones", async () => {
    await using atoll = await startAtoll();
    await atoll.restart({ ATOLL_TOKEN: "aa34ba1" });
    for (const token of ["aa34ba1", TOKEN]) {
      assert.equal((await atoll.api("GET", "/v2/account", { token })).status, 200, token);
    }
  });

  test("keeps what is secret for its owner alone, and stores no token as text", async () => {
    await using atoll = await startAtoll();
    assert.equal(statSync(join(atoll.dataDir, "operator.token")).mode & 0o077, 0);
    await createEndpoint(atoll, originOf("files"));
    await atoll.stop();
    const { stdout } = await promisify(execFile)("grep", ["-rlF", TOKEN, atoll.dataDir]).catch(
      (error: { stdout: string }) => error,
    );
    assert.equal(stdout, "");
  });
});

describe("a running Atoll", () => {
  test("says at / what it is and where things are, and at /healthz that it is ready", async () => {
    await using atoll = await startAtoll();
    const root = await exchange(`${atoll.url}/`);
    assert.equal(root.status, 200);
    assert.match(root.text, /Atoll/i);
    assert.equal((await exchange(`${atoll.url}/healthz`)).status, 200);
    const document = await exchange(`${atoll.url}/openapi.json`);
    const { openapi, paths } = JSON.parse(document.text) as { openapi: string; paths: object };
    assert.match(openapi, /^3\.1/);
    assert("/v2/cdn/endpoints/{cdn_id}/cache" in paths);
  });

  test("speaks TLS too, by the authority in its data folder, and links to itself there", async () => {
    await using atoll = await startAtoll();
    const ca = readFileSync(join(atoll.dataDir, "ca", "ca.pem"), "utf8");
    for (const index of [1, 2]) await createEndpoint(atoll, originOf(`file-${index}`));
    const url = `${atoll.runtime.api_tls}/v2/cdn/endpoints?per_page=1`;
    const headers = { authorization: `Bearer ${TOKEN}` };
    const { status, text } = await exchange(url, { ca, headers });
    assert.equal(status, 200);
    const { links } = JSON.parse(text) as { links: { pages: { next: string } } };
    assert(links.pages.next.startsWith(atoll.runtime.api_tls), links.pages.next);
    await assert.rejects(exchange(url, { headers }), /certificate/);
    await atoll.restart();
    assert.equal(readFileSync(join(atoll.dataDir, "ca", "ca.pem"), "utf8"), ca);
  });

  test("takes tokens over plain HTTP on the loopback only, or where the operator says", async () => {
    await using atoll = await startAtoll({ env: { ATOLL_HOST: "0.0.0.0" } });
    assert.equal(atoll.runtime.api, undefined);
    const ca = readFileSync(join(atoll.dataDir, "ca", "ca.pem"), "utf8");
    assert.equal((await exchange(`${atoll.runtime.api_tls}/healthz`, { ca })).status, 200);
    await atoll.restart({ ATOLL_API_PLAIN: "on" });
    assert.equal((await atoll.api("GET", "/v2/account")).status, 200);
  });

  test("warns of a variable that looks like its own and is not", async () => {
    await using atoll = await startAtoll({ env: { ATOLL_EGDE_PORT: "1" } });
    await until("it says so", () => atoll.output.stdout.includes("ATOLL_EGDE_PORT"));
  });
});

describe("atoll", () => {
  const env = serveEnvironment(freshFolder());

  test("--version says which it is", async () => {
    const { code, stdout } = await runAtoll(["--version"], env);
    assert.equal(code, 0);
    assert.match(stdout, /^(?:atoll )?\d+\.\d+\.\d+/);
  });

  test("without a command, or with one that it does not have, says what there is", async () => {
    for (const args of [["--help"], [], ["fly"]]) {
      const { code, stdout, stderr } = await runAtoll(args, env);
      assert.equal(code === 0, args[0] === "--help");
      assert.match(stdout + stderr, /serve|fly/);
    }
  });

  test("finds the running server by its data folder", { skip: noProcesses }, async () => {
    await using atoll = await startAtoll();
    const own = serveEnvironment(atoll.dataDir);
    const { code, stdout, stderr } = await runAtoll(["account", "list"], own);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /owner@localhost/);
  });
});

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { readConfig } from "#config.ts";
import { defaultWorkers } from "#worker-count.ts";

describe("the configuration", () => {
  test("has a default for everything", () => {
    const { host, api, edge, spaces, rateLimits } = readConfig({});
    assert.deepEqual(
      { host, ports: [api.port, api.tlsPort, edge.port, edge.tlsPort], workers: edge.workers },
      { host: "127.0.0.1", ports: [8080, 8443, 8081, 8444], workers: defaultWorkers() },
    );
    assert.deepEqual(spaces.domains, ["digitaloceanspaces.com", "spaces.localhost"]);
    assert.deepEqual(rateLimits, {
      enforced: true,
      hour: 5_000,
      minute: 250,
      cdn: 5,
      purgeFiles: 50,
    });
  });

  test("takes an empty variable as an absent one", () => {
    assert.equal(readConfig({ ATOLL_API_PORT: "" }).api.port, 8080);
  });

  test("reports every mistake at once, each with its name and what is expected", () => {
    const mistakes = {
      ATOLL_API_PORT: "70000",
      ATOLL_HOST: "example.net",
      ATOLL_RATE_LIMITS: "no",
      ATOLL_EDGE_WORKERS: "0",
      ATOLL_SPACES_DOMAINS: "a,,b",
      ATOLL_ACME_DIRECTORY: "acme",
    };
    assert.throws(
      () => readConfig(mistakes),
      ({ message }: Error) => {
        for (const name of Object.keys(mistakes)) {
          assert.match(message, new RegExp(`^  ${name}: expected .+, got "`, "m"));
        }
        return true;
      },
    );
  });

  test("wants a port of its own for each part, unless any free one will do", () => {
    const same = { ATOLL_API_PORT: "9000", ATOLL_EDGE_PORT: "9000" };
    assert.throws(() => readConfig(same), /ATOLL_EDGE_PORT: .*9000 is that of ATOLL_API_PORT/);
    assert.throws(
      () => readConfig({ ATOLL_EDGE_TLS_PORT: "8443" }),
      /ATOLL_EDGE_TLS_PORT: .*8443 is that of ATOLL_API_TLS_PORT/,
    );
    assert.equal(readConfig({ ATOLL_API_PORT: "0", ATOLL_EDGE_PORT: "0" }).edge.port, 0);
  });

  test("has the local CA issue without a domain, and Let's Encrypt with one", () => {
    const directoryOf = (env: NodeJS.ProcessEnv) => readConfig(env).acme.directory;
    assert.equal(directoryOf({}), "local");
    const letsencrypt = "https://acme-v02.api.letsencrypt.org/directory";
    assert.equal(directoryOf({ ATOLL_DOMAIN: "example.net" }), letsencrypt);
    assert.equal(directoryOf({ ATOLL_ACME_DIRECTORY: "letsencrypt" }), letsencrypt);
    assert.equal(
      directoryOf({ ATOLL_DOMAIN: "example.net", ATOLL_ACME_DIRECTORY: "local" }),
      "local",
    );
  });

  test("wants both halves of an account that a CA has given", () => {
    const half = { ATOLL_ACME_EAB_KID: "kid-1" };
    assert.throws(() => readConfig(half), /ATOLL_ACME_EAB_HMAC_FILE: expected together with/);
    const whole = { ...half, ATOLL_ACME_EAB_HMAC_FILE: "hmac" };
    assert.deepEqual(readConfig(whole).acme.externalAccount, { kid: "kid-1", hmacFile: "hmac" });
  });

  test("does not repeat a token that is mistaken", () => {
    assert.throws(
      () => readConfig({ ATOLL_TOKEN: "not visible" }),
      ({ message }: Error) => message.includes("ATOLL_TOKEN") && !message.includes("not visible"),
    );
  });

  test("listens everywhere, on the ports of the web, once it has a domain", () => {
    const { host, edge, spaces } = readConfig({ ATOLL_DOMAIN: "example.net" });
    const { port, tlsPort } = edge;
    assert.deepEqual({ host, port, tlsPort }, { host: "::", port: 80, tlsPort: 443 });
    assert(spaces.domains.includes("spaces.example.net"));
  });

  test("names variables that are none of ours", () => {
    const env = { ATOLL_API_PROT: "1", ATOLL_URL: "http://x", ATOLL_TEST_ROUNDS: "1", PATH: "" };
    assert.deepEqual(readConfig(env).unknownVariables, ["ATOLL_API_PROT"]);
  });
});

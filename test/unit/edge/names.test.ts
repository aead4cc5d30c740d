import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { EndpointDirectory } from "#edge/names.ts";
import { endpoint, host as ownHost } from "./support.ts";

const other = { ...endpoint, id: "other", space: "other" };

describe("the directory of endpoints", () => {
  const hosts = [
    { host: "static.nyc3.cdn.digitaloceanspaces.com", found: true },
    { host: "static.nyc3.cdn.spaces.localhost:8081", found: true },
    { host: "STATIC.nyc3.CDN.spaces.localhost.", found: true },
    { host: "static.nyc3.cdn.spaces.localhost.:8081", found: true },
    { host: "Assets.Example.com:443", found: true },
    { host: "static.nyc3.cdn.example.net", found: false },
    { host: "static.ams3.cdn.spaces.localhost", found: false },
    { host: "static.nyc3.digitaloceanspaces.com", found: false },
    { host: ".cdn.spaces.localhost", found: false },
    { host: "[::1]:8081", found: false },
    { host: "127.0.0.1", found: false },
  ];
  for (const { host, found } of hosts) {
    test(`${found ? "finds" : "does not find"} ${host}`, () => {
      const directory = new EndpointDirectory();
      directory.put({ ...endpoint, customDomain: "assets.example.com" });
      assert.equal(directory.find(host)?.endpoint.id, found ? endpoint.id : undefined);
    });
  }

  test("lets a custom domain move to another endpoint", () => {
    const directory = new EndpointDirectory();
    directory.put({ ...endpoint, customDomain: "assets.example.com" });
    directory.put({ ...other, customDomain: "assets.example.com" });
    directory.put(endpoint);
    assert.equal(directory.find("assets.example.com")?.endpoint.id, "other");
    directory.delete("other");
    assert.equal(directory.find("assets.example.com"), undefined);
    assert.equal(directory.find("other.nyc3.cdn.spaces.localhost"), undefined);
  });

  test("keeps an endpoint's purges when the endpoint changes", () => {
    const directory = new EndpointDirectory();
    directory.put(endpoint);
    directory.purge({ id: endpoint.id, number: 3, patterns: ["/a"] });
    directory.put({ ...endpoint, ttl: 60 });
    assert.equal(directory.find(ownHost)?.purges?.latest, 3);
    directory.purge({ id: "gone", number: 4, patterns: ["/a"] });
  });
});

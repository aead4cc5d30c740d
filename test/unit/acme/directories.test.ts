import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseDirectory } from "#acme/directories.ts";

describe("a directory", () => {
  for (const [text, url] of [
    ["letsencrypt", "https://acme-v02.api.letsencrypt.org/directory"],
    ["letsencrypt-staging", "https://acme-staging-v02.api.letsencrypt.org/directory"],
    ["https://CA.example.net/acme/dir", "https://ca.example.net/acme/dir"],
    ["http://localhost:14000/dir", "http://localhost:14000/dir"],
    ["http://127.1.2.3/dir", "http://127.1.2.3/dir"],
    ["http://[::1]:1/dir", "http://[::1]:1/dir"],
  ] as const) {
    test(`"${text}" is at ${url}`, () => assert.equal(parseDirectory(text), url));
  }

  for (const text of [
    "",
    "zerossl",
    "toString",
    "http://ca.example.net/dir",
    "http://127.0.0.1.example.net/dir",
    "http://localhost.example.net/dir",
    "https://user:word@ca.example.net/dir",
    "file:///etc/passwd",
  ]) {
    test(`"${text}" is none`, () => assert.equal(parseDirectory(text), undefined));
  }
});

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { CertificateDirectory } from "#edge/wire/tls/certificate-directory.ts";
import { CertificateTerms } from "#edge/wire/tls/terms.ts";
import { type EdgeCertificate, EVERY_NAME } from "#feed/entry.ts";

function certificate(id: string, names: readonly string[], notAfter = 1): EdgeCertificate {
  return { id, names, certPem: "", keyPem: "", notAfter };
}

function directoryOf(...certificates: readonly EdgeCertificate[]): CertificateDirectory {
  const directory = new CertificateDirectory();
  for (const each of certificates) directory.put(each);
  return directory;
}

describe("the directory of certificates", () => {
  test("finds by exact name, then by wildcard for one label", () => {
    const directory = directoryOf(
      certificate("wild", ["*.example.com", "example.com"]),
      certificate("exact", ["a.example.com"]),
    );
    const found = (name: string) => directory.find(name)?.id;
    assert.equal(found("a.example.com"), "exact");
    assert.equal(found("b.example.com"), "wild");
    assert.equal(found("example.com"), "wild");
    for (const name of ["a.b.example.com", "com", "", ".example.com", "*.com", "example.org"]) {
      assert.equal(found(name), undefined, name);
    }
  });

  test("shows the one for every name where there is no better one", () => {
    const directory = directoryOf(
      certificate("every", [EVERY_NAME]),
      certificate("one", ["example.com"]),
    );
    assert.equal(directory.find("example.com")?.id, "one");
    assert.equal(directory.find("example.org")?.id, "every");
    assert.equal(directory.find(undefined)?.id, "every");
    directory.delete("every");
    assert.equal(directory.find("example.org"), undefined);
    assert.equal(directory.find(undefined), undefined);
  });

  test("shows the one that lasts longest, whatever came first; of equals always the same", () => {
    const names = ["example.com"];
    const [short, long, equal] = [
      certificate("short", names, 1),
      certificate("b", names, 9),
      certificate("a", names, 9),
    ] as const;
    for (const order of [
      [short, long, equal],
      [equal, short, long],
      [long, equal, short],
    ]) {
      const directory = directoryOf(...order);
      assert.equal(directory.find("example.com")?.id, "a");
      directory.delete("a");
      assert.equal(directory.find("example.com")?.id, "b");
      directory.delete("b");
      assert.equal(directory.find("example.com")?.id, "short");
      directory.delete("short");
      assert.equal(directory.find("example.com"), undefined);
    }
  });

  test("puts a certificate in the place of the one with its id, names and all", () => {
    const directory = directoryOf(certificate("one", ["a.test", "b.test"]));
    const renewed = certificate("one", ["B.test", "c.test"], 0);
    directory.put(renewed);
    assert.equal(directory.find("a.test"), undefined);
    const found = directory.find("b.test");
    assert.deepEqual(found?.names, renewed.names);
    assert.equal(found?.keyPem.toString(), renewed.keyPem);
    assert.equal(directory.find("c.test"), found);
    directory.delete("unknown");
    directory.delete("one");
    assert.equal(directory.find("b.test"), undefined);
  });
});

describe("a connection's certificate", () => {
  const terms = new CertificateTerms("TLSv1.3", new Set(["*.nyc3.cdn.example.com", "example.com"]));
  const cases: readonly (readonly [string, boolean])[] = [
    ["example.com", true],
    ["EXAMPLE.com:8444", true],
    ["example.com.", true],
    ["example.com.:443", true],
    ["images.nyc3.cdn.example.com", true],
    ["a.images.nyc3.cdn.example.com", false],
    ["nyc3.cdn.example.com", false],
    [".nyc3.cdn.example.com", false],
    ["*.nyc3.cdn.example.com", true],
    ["www.example.com", false],
    ["127.0.0.1", false],
    ["[::1]:8444", false],
    ["", false],
  ];
  for (const [host, covered] of cases) {
    test(`${covered ? "is good" : "is not good"} for ${JSON.stringify(host)}, however often it is asked`, () => {
      assert.equal(terms.covers(host), covered);
      assert.equal(terms.covers(host), covered);
      assert.equal(terms.covers("example.com"), true);
    });
  }

  test("is good for everything where it is for every name", () => {
    const everything = new CertificateTerms("TLSv1.3", new Set([EVERY_NAME]));
    for (const host of ["example.com", "127.0.0.1", ""]) assert(everything.covers(host), host);
  });
});

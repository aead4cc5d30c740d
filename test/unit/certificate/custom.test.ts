import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { mkdtempDisposableSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { type CustomMembers, checkCustom } from "#certificate/custom.ts";
import { CERTIFICATES_LENGTH_MAX } from "#certificate/limits.ts";
import { pemBlocks } from "#certificate/pem.ts";
import { systemClock } from "#clock.ts";

const OPENSSL = "openssl";
const DAY_MS = 86_400_000;
const folder = mkdtempDisposableSync(join(tmpdir(), "atoll-custom-"));
after(() => folder[Symbol.dispose]());

function openssl(...args: readonly string[]): void {
  execFileSync(OPENSSL, args, { cwd: folder.path, stdio: "pipe" });
}

function text(name: string): string {
  return readFileSync(join(folder.path, name), "utf8");
}

/** A new key and a certificate that it has signed itself, as `openssl req -x509` makes them. */
function selfSigned(name: string, newkey: readonly string[]) {
  const [key, cert] = [`${name}.key`, `${name}.pem`];
  const names = "subjectAltName=DNS:www.Example.com,DNS:*.example.com";
  const files = ["-keyout", key, "-out", cert];
  const about = ["-days", "30", "-subj", `/O=${name}`, "-addext", names];
  openssl("req", "-x509", "-nodes", "-newkey", ...newkey, ...files, ...about);
  return { key: text(key), cert: text(cert) };
}

/** One that another has signed. */
function signed(name: string, issuer: string, extensions: string) {
  const [key, request, cert] = [`${name}.key`, `${name}.csr`, `${name}.pem`];
  const files = ["-keyout", key, "-out", request];
  const about = ["-subj", `/CN=${name}`, "-addext", extensions];
  openssl("req", "-new", "-nodes", "-newkey", ...P256, ...files, ...about);
  const ca = ["-CA", `${issuer}.pem`, "-CAkey", `${issuer}.key`, "-copy_extensions", "copy"];
  openssl("x509", "-req", "-in", request, "-days", "30", ...ca, "-out", cert);
  return { key: text(key), cert: text(cert) };
}

const P256 = ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"];
const rsa = selfSigned("rsa", ["rsa:2048"]);
const ec = selfSigned("ec", P256);

function check(members: Partial<CustomMembers>, now = systemClock.now()) {
  const absent = { private_key: "", leaf_certificate: "", certificate_chain: "" };
  return checkCustom({ ...absent, ...members }, now);
}

function assertSound(members: Partial<CustomMembers>) {
  const checked = check(members);
  assert(checked.kind === "sound", JSON.stringify(checked));
  return checked;
}

function assertRefused(
  members: Partial<CustomMembers>,
  member: string,
  reason: RegExp,
  now?: number,
) {
  const checked = check(members, now);
  assert(checked.kind === "refused");
  assert.equal(checked.member, member);
  assert.match(checked.reason, reason);
}

describe("an uploaded key", () => {
  const keys = {
    "PKCS #8": [rsa, createPrivateKey(rsa.key).export({ type: "pkcs8", format: "pem" })],
    "PKCS #1": [rsa, createPrivateKey(rsa.key).export({ type: "pkcs1", format: "pem" })],
    "SEC 1": [ec, createPrivateKey(ec.key).export({ type: "sec1", format: "pem" })],
  } as const;
  for (const [shape, [{ cert }, pem]] of Object.entries(keys)) {
    test(`may be ${shape}, and is kept as PKCS #8`, () => {
      const { key } = assertSound({ private_key: pem, leaf_certificate: cert });
      assert.match(key, /^-----BEGIN PRIVATE KEY-----\n/);
    });
  }

  test("may come after the parameters of its curve, with CRLF and blanks around its lines", () => {
    const sec1 = createPrivateKey(ec.key).export({ type: "sec1", format: "pem" });
    const parameters =
      "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n";
    const crlf = ` ${parameters}${sec1}`.replaceAll("\n", " \r\n\t");
    assertSound({ private_key: crlf, leaf_certificate: ec.cert.replaceAll("\n", "\r\n") });
  });

  test("is RSA with 2,048 bits or more, P-256 or P-384", () => {
    const p384 = selfSigned("p384", ["ec", "-pkeyopt", "ec_paramgen_curve:P-384"]);
    assertSound({ private_key: p384.key, leaf_certificate: p384.cert });
    for (const [name, newkey, reason] of [
      ["small", ["rsa:1024"], /RSA with 1024 bits; expected 2048/],
      ["p521", ["ec", "-pkeyopt", "ec_paramgen_curve:P-521"], /secp521r1; expected/],
      ["ed25519", ["ed25519"], /ed25519; expected/],
    ] as const) {
      const { key, cert } = selfSigned(name, newkey);
      assertRefused({ private_key: key, leaf_certificate: cert }, "private_key", reason);
    }
  });

  test("is refused when it is encrypted, in either way", () => {
    const cipher = { cipher: "aes-256-cbc", passphrase: "secret", format: "pem" } as const;
    for (const type of ["pkcs8", "pkcs1"] as const) {
      const pem = createPrivateKey(rsa.key).export({ ...cipher, type });
      const members = { private_key: pem, leaf_certificate: rsa.cert };
      assertRefused(members, "private_key", /encrypted.*without a passphrase/);
    }
  });

  test("is refused when it is none, or there are two, without a piece of it", () => {
    const broken = rsa.key.replace(/\n.{10}/, "\nAAAAAAAAAA");
    for (const private_key of [
      "",
      "x",
      rsa.cert,
      broken,
      `${rsa.key}${ec.key}`,
      "x".repeat(20_000),
    ]) {
      assertRefused({ private_key, leaf_certificate: rsa.cert }, "private_key", /PEM/);
    }
  });
});

describe("an uploaded leaf", () => {
  test("that has signed itself is accepted, and its names are its alternative names", () => {
    const { dnsNames, issued } = assertSound({ private_key: rsa.key, leaf_certificate: rsa.cert });
    assert.deepEqual(dnsNames, ["www.example.com", "*.example.com"]);
    const leaf = new X509Certificate(rsa.cert);
    assert.equal(issued.sha1, leaf.fingerprint.replaceAll(":", "").toLowerCase());
    assert.equal(issued.notAfter, leaf.validToDate.getTime());
    assert.equal(issued.chain, leaf.toString());
    assert.equal(issued.issuer, undefined);
  });

  test("is refused when it is another key's, or no certificate", () => {
    const members = { private_key: rsa.key, leaf_certificate: ec.cert };
    assertRefused(members, "private_key", /not the key of leaf_certificate/);
    for (const leaf_certificate of ["", "x", rsa.key, rsa.cert.replace("MII", "AAA")]) {
      const refused = { private_key: rsa.key, leaf_certificate };
      assertRefused(refused, "leaf_certificate", /PEM/);
    }
  });

  test("is refused once it has expired, and long before it begins", () => {
    const members = { private_key: rsa.key, leaf_certificate: rsa.cert };
    const now = systemClock.now();
    assertRefused(members, "leaf_certificate", /has expired, on \d{4}/, now + 31 * DAY_MS);
    assertRefused(members, "leaf_certificate", /not valid before \d{4}/, now - 2 * DAY_MS);
  });
});

describe("the text of an upload", () => {
  test("of blanks, of dashes or of beginnings alone is looked through once", () => {
    for (const piece of [" ", "\t\r", "\n ", "-", "-----BEGIN A-----\n", "-----BEGIN "]) {
      const startedAt = performance.now();
      assert.deepEqual(pemBlocks(piece.repeat(CERTIFICATES_LENGTH_MAX / piece.length)), []);
      const tookMs = performance.now() - startedAt;
      assert(tookMs < 1_000, `${JSON.stringify(piece)}: ${tookMs} ms`);
    }
  });
});

describe("an uploaded chain", () => {
  const root = selfSigned("root", P256);
  const middle = signed("middle", "root", "basicConstraints=critical,CA:true");
  const leaf = signed("leaf", "middle", "subjectAltName=DNS:chain.example.com");
  const inOrder = [leaf, middle, root].map(({ cert }) => new X509Certificate(cert).toString());

  test("is kept in order, whatever the order it came in, with the leaf or without", () => {
    for (const certificate_chain of [
      `${middle.cert}${root.cert}`,
      `${root.cert}\n${middle.cert}`,
      `${leaf.cert}${middle.cert}${root.cert}`,
      `${root.cert}${leaf.cert}${middle.cert}${middle.cert}`,
    ]) {
      const members = { private_key: leaf.key, leaf_certificate: leaf.cert, certificate_chain };
      assert.equal(assertSound(members).issued.chain, inOrder.join(""));
    }
  });

  test("may stand with the leaf instead, and may end before the root", () => {
    const leaf_certificate = `${middle.cert}${leaf.cert}`;
    const { issued } = assertSound({ private_key: leaf.key, leaf_certificate });
    assert.equal(issued.chain, inOrder.slice(0, 2).join(""));
  });

  test("loses what does not lead from the leaf to its root, as Terraform's test sends it", () => {
    const certificate_chain = `${ec.cert.trim()}\n${rsa.cert}`;
    const members = { private_key: rsa.key, leaf_certificate: rsa.cert, certificate_chain };
    assert.equal(assertSound(members).issued.chain, new X509Certificate(rsa.cert).toString());
  });

  test("is refused when it is none, or endless", () => {
    const leafOf = { private_key: rsa.key, leaf_certificate: rsa.cert };
    assertSound({ ...leafOf, certificate_chain: " \n" });
    const many = rsa.cert.repeat(17);
    for (const certificate_chain of ["x", rsa.key, many]) {
      assertRefused({ ...leafOf, certificate_chain }, "certificate_chain", /PEM|at most 16/);
    }
  });
});

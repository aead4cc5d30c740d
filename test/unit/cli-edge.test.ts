import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { runAtoll } from "#cli/run.ts";
import { systemClock } from "#clock.ts";
import { openAuthority } from "../support/certificates.ts";

const authority = await openAuthority();
after(() => authority[Symbol.asyncDispose]());
const one = await authority.filesOf(await authority.issue("one.example.com"));
const other = await authority.filesOf(await authority.issue("other.example.com"));
const directory = join(one.cert, "..");
const noPem = join(directory, "no.pem");
await writeFile(noPem, "this is no PEM\n");

/** Runs `atoll edge`; if it should start after all, it is told to stop already. */
async function edge(...args: readonly string[]) {
  const stdout: string[] = [];
  const stderr: string[] = [];
  const code = await runAtoll(["edge", ...args], {
    env: {},
    clock: systemClock,
    signal: AbortSignal.abort(),
    stdout: (line) => stdout.push(line),
    stderr: (line) => stderr.push(line),
  });
  return { code, stdout: stdout.join("\n"), stderr: stderr.join("\n") };
}

const ORIGIN = ["--origin", "http://127.0.0.1:1"];
const ENOUGH = [...ORIGIN, "--port", "0"];

/** What is not understood: exit code 2, and the option is named. */
const MISUNDERSTOOD: readonly { args: readonly string[]; says: RegExp }[] = [
  { args: [], says: /--origin <url>/ },
  { args: ORIGIN, says: /--port <number>/ },
  { args: ["--port", "0"], says: /--origin <url>/ },
  { args: ["--origin", "127.0.0.1:1", "--port", "0"], says: /--origin.*http\(s\) URL/ },
  { args: ["--origin", "ftp://a.example", "--port", "0"], says: /--origin.*http\(s\) URL/ },
  { args: ["--origin", "http://u:p@a.example", "--port", "0"], says: /--origin.*credentials/ },
  { args: ["--origin", "http://:p@a.example", "--port", "0"], says: /--origin.*credentials/ },
  { args: ["--origin", "http://a.example/?a", "--port", "0"], says: /--origin.*query/ },
  { args: ["--origin", "http://a.example/#a", "--port", "0"], says: /--origin/ },
  { args: [...ORIGIN, "--port", "65536"], says: /--port.*expected a port number/ },
  { args: [...ORIGIN, "--port", "-1"], says: /--port/ },
  { args: [...ORIGIN, "--port", "http"], says: /--port.*expected a port number/ },
  { args: [...ORIGIN, "--port", "1e3"], says: /--port.*expected a port number/ },
  { args: [...ORIGIN, "--port", ""], says: /--port.*expected a port number/ },
  { args: [...ENOUGH, "--tls-port", "x"], says: /--tls-port.*expected a port number/ },
  { args: [...ENOUGH, "--default-ttl", "soon"], says: /--default-ttl.*seconds, or none/ },
  { args: [...ENOUGH, "--default-ttl", "1.5"], says: /--default-ttl.*seconds, or none/ },
  { args: [...ENOUGH, "--default-ttl", "-1"], says: /--default-ttl/ },
  { args: [...ENOUGH, "--workers", "0"], says: /--workers.*number of processes/ },
  { args: [...ENOUGH, "--workers", "257"], says: /--workers.*number of processes/ },
  { args: [...ENOUGH, "--memory", "1024"], says: /--memory.*at least 16777216/ },
  { args: [...ENOUGH, "--memory", "64M"], says: /--memory.*at least 16777216/ },
  { args: [...ENOUGH, "--access-log-format", "xml"], says: /--access-log-format.*json, combined/ },
  { args: [...ENOUGH, "--metrics-port", "70000"], says: /--metrics-port.*expected a port number/ },
  { args: [...ENOUGH, "--log-level", "loud"], says: /--log-level.*debug, info/ },
  { args: [...ENOUGH, "--nonsense"], says: /--nonsense/ },
  { args: [...ENOUGH, "surplus"], says: /argument/ },
];

const TOGETHER = "--tls-port, --cert and --key go together: expected all three, or none";

/** What is understood and cannot be done: exit code 1, and one clear line. */
const REFUSED: readonly { args: readonly string[]; says: string }[] = [
  { args: ["--tls-port", "0"], says: TOGETHER },
  { args: ["--cert", one.cert, "--key", one.key], says: TOGETHER },
  { args: ["--tls-port", "0", "--cert", one.cert], says: TOGETHER },
  { args: ["--tls-port", "0", "--key", one.key], says: TOGETHER },
  {
    args: ["--tls-port", "0", "--cert", "/nowhere", "--key", one.key],
    says: "--cert: /nowhere cannot be read (ENOENT)",
  },
  {
    args: ["--tls-port", "0", "--cert", one.cert, "--key", directory],
    says: `--key: ${directory} cannot be read (EISDIR)`,
  },
  {
    args: ["--tls-port", "0", "--cert", noPem, "--key", one.key],
    says: `--cert: ${noPem} is no PEM certificate`,
  },
  {
    args: ["--tls-port", "0", "--cert", one.cert, "--key", noPem],
    says: `--key: ${noPem} is no PEM private key`,
  },
  {
    args: ["--tls-port", "0", "--cert", one.cert, "--key", other.key],
    says: `--key: ${other.key} is not the key of the certificate in ${one.cert}`,
  },
];

describe("atoll edge", () => {
  for (const { args, says } of MISUNDERSTOOD) {
    test(`does not understand: edge ${args.join(" ")}`, async () => {
      const { code, stdout, stderr } = await edge(...args);
      assert.match(stderr, says);
      assert.deepEqual({ code, stdout }, { code: 2, stdout: "" });
    });
  }

  for (const { args, says } of REFUSED) {
    const what = args.map((arg) => arg.replace(directory, "…")).join(" ");
    test(`refuses: edge … ${what}`, async () => {
      const { code, stdout, stderr } = await edge(...ENOUGH, ...args);
      assert.deepEqual({ code, stdout, stderr }, { code: 1, stdout: "", stderr: `atoll: ${says}` });
    });
  }

  test("says in its help what every option is for", async () => {
    const { code, stdout } = await edge("--help");
    assert.equal(code, 0);
    for (const option of ["--origin", "--port", "--tls-port", "--cert", "--key", "--default-ttl"]) {
      assert.match(stdout, new RegExp(`${option} <`));
    }
  });
});

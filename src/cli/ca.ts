import { X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Command } from "commander";
import { dataDirectory } from "./server.ts";
import { sessionOf } from "./session.ts";
import { CommandError, type World } from "./world.ts";

/** `atoll ca show|path|trust`: they read, and change nothing. */
export function addCaCommands(program: Command, world: World): void {
  const ca = program.command("ca").description("the local CA, which signs Atoll's own names");
  ca.command("show")
    .description("what it is: names, dates, fingerprint")
    .action(async (_: object, command: Command) => {
      const shown = describe(caPath(world), await readCa(world));
      sessionOf(world, command).show(shown, () => [
        `path         ${shown.path}`,
        `subject      ${shown.subject}`,
        `valid        ${shown.not_before} to ${shown.not_after}`,
        `SHA-256      ${shown.sha256}`,
        "trust it     atoll ca trust",
      ]);
    });
  ca.command("path")
    .description("the path of its certificate, as in: curl --cacert $(atoll ca path) …")
    .action(async (_: object, command: Command) => {
      await readCa(world);
      const path = caPath(world);
      sessionOf(world, command).show({ path }, () => [path]);
    });
  ca.command("trust")
    .description("how to trust it, by system and by program; you run the commands")
    .addHelpText("after", () => `\n${trustSteps(caPath(world)).join("\n")}`)
    .action(async (_: object, command: Command) => {
      await readCa(world);
      const path = caPath(world);
      const steps = trustSteps(path);
      sessionOf(world, command).show({ path, steps }, () => steps);
    });
}

/** Where the CA's certificate is. */
function caPath({ env }: World): string {
  return join(dataDirectory(env), "ca", "ca.pem");
}

async function readCa(world: World): Promise<X509Certificate> {
  const path = caPath(world);
  try {
    return new X509Certificate(await readFile(path));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const why =
      code === "ENOENT"
        ? `There is no local CA at ${path} yet: the first start makes it.`
        : `Cannot read the local CA at ${path}: ${message}`;
    throw new CommandError(why, { cause: error });
  }
}

interface CaView {
  readonly path: string;
  readonly subject: string;
  readonly not_before: string;
  readonly not_after: string;
  readonly sha256: string;
}

function describe(path: string, certificate: X509Certificate): CaView {
  return {
    path,
    subject: certificate.subject.split("\n").toReversed().join(", "),
    not_before: certificate.validFromDate.toISOString(),
    not_after: certificate.validToDate.toISOString(),
    sha256: certificate.fingerprint256,
  };
}

/** For a shell: a path may hold spaces. */
function quoted(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;
}

function trustSteps(path: string): readonly string[] {
  const file = quoted(path);
  return `One program, nothing to install:
  curl              curl --cacert ${file} https://…
  Python            REQUESTS_CA_BUNDLE=${file}        (pydo, requests)
                    SSL_CERT_FILE=${file}             (ssl, httpx)
  Node              NODE_EXTRA_CA_CERTS=${file}
  Go                SSL_CERT_FILE=${file}             (doctl, Terraform; on Linux)
  Ruby              SSL_CERT_FILE=${file}             (droplet_kit)
  SSL_CERT_FILE and REQUESTS_CA_BUNDLE replace the system's roots: for Atoll alone, not the shell.

This machine:
  Debian, Ubuntu    sudo cp ${file} /usr/local/share/ca-certificates/atoll.crt
                    sudo update-ca-certificates
  Fedora, RHEL      sudo cp ${file} /etc/pki/ca-trust/source/anchors/atoll.pem
                    sudo update-ca-trust
  macOS             sudo security add-trusted-cert -d -r trustRoot \\
                      -k /Library/Keychains/System.keychain ${file}

Browsers:
  Firefox           Settings, Privacy & Security, Certificates, View Certificates, Authorities,
                    Import: ${path}, "trust this CA to identify websites"
  Chromium (Linux)  certutil -d sql:$HOME/.pki/nssdb -A -t C,, -n atoll -i ${file}
                    (certutil is in libnss3-tools, or nss-tools)
  Safari, Chrome (macOS) use the system's, see above.

Whoever has its key can sign for any name that you then trust: it is in the database, sealed under
master.key. Keep both where they are, and backups as safe.
Not any more: remove the file and run the same command again; security delete-certificate on macOS.`.split(
    "\n",
  );
}

import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { copyFileSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { promisify } from "node:util";

const run = promisify(execFile);
/** Of one command, on a machine that has other things to do. */
const TIMEOUT_MS = 120_000;
const OUTPUT_BYTES_MAX = 16 * 1_048_576;

/**
 * A person's home: credentials as `GET …/docker-credentials` answers them, the local CA, images that
 * were pulled. No test meets the configuration of whoever runs it.
 */
export class Home implements Disposable {
  // Podman makes an image's name of a layout's path, so no upper case; and wants short paths.
  readonly folder = join(tmpdir(), `atoll-home-${randomBytes(4).toString("hex")}`);
  /** Where every client looks, be it docker's kin or podman's. */
  readonly authFile = join(this.folder, "config.json");
  /** As `--cert-dir` takes it. */
  readonly certificates = join(this.folder, "certs");
  /** Where podman and buildah keep images: files and nothing else, no mounts to be left behind. */
  readonly storage: readonly string[] = [
    "--storage-driver=vfs",
    `--root=${this.path("storage")}`,
    `--runroot=${this.path("run")}`,
  ];
  readonly #env: Readonly<Record<string, string>>;

  constructor(caFile: string) {
    mkdirSync(this.certificates, { recursive: true });
    const trusted = join(this.certificates, "ca.crt");
    copyFileSync(caFile, trusted);
    this.#env = {
      PATH: process.env["PATH"] ?? "",
      HOME: this.folder,
      DOCKER_CONFIG: this.folder,
      REGISTRY_AUTH_FILE: this.authFile,
      SSL_CERT_FILE: trusted,
      TMPDIR: this.folder,
      XDG_RUNTIME_DIR: this.folder,
      BUILDAH_ISOLATION: "chroot",
    };
  }

  /** A folder of its own. */
  path(...parts: readonly string[]): string {
    return join(this.folder, ...parts);
  }

  /** @param credentials a docker config.json, as the API answered it */
  signIn(credentials: string): void {
    writeFileSync(this.authFile, credentials);
  }

  /** Runs a program to its end; answers what it printed. What it says on failure is the error's text. */
  async run(program: string, args: readonly string[], cwd = this.folder): Promise<string> {
    const options = { env: this.#env, cwd, timeout: TIMEOUT_MS, maxBuffer: OUTPUT_BYTES_MAX };
    const { stdout } = await run(program, args, options).catch((error: Failure) => {
      const said = `${error.stdout}${error.stderr}`;
      throw new Error(`${error.killed ? "took too long\n" : ""}${said}`, { cause: error });
    });
    return stdout.trim();
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true });
  }
}

interface Failure {
  readonly stdout: string;
  readonly stderr: string;
  readonly killed: boolean;
}

import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { promisify } from "node:util";
import type { ClientKind, Seen } from "./client.ts";

const run = promisify(execFile);

/** A home of its own, so that no test meets the configuration of whoever runs it. */
export class DoctlHome implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), "atoll-doctl-"));
  readonly #program: string;

  constructor(program: string) {
    this.#program = program;
  }

  /** Runs doctl to its end. What it says on failure is the error's text. */
  async run(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<string> {
    const { stdout } = await run(this.#program, args, {
      env: {
        PATH: process.env["PATH"] ?? "",
        HOME: this.folder,
        XDG_CONFIG_HOME: this.folder,
        DOCKER_CONFIG: this.folder,
        ...env,
      },
    }).catch((error: { readonly stdout: string; readonly stderr: string }) => {
      throw new Error(`${error.stdout}${error.stderr}`, { cause: error });
    });
    return stdout;
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true });
  }
}

interface GodoEndpoint {
  readonly id: string;
  readonly origin: string;
  readonly ttl: number;
  readonly custom_domain?: string;
}

/** DigitalOcean's command. It asks for a certificate with a domain, so it only clears them here. */
export function doctl(program: string): ClientKind {
  return {
    name: "doctl",
    whenLimited: "waits",
    open: async ({ url, token }) => {
      const home = new DoctlHome(program);
      const cdn = async (...args: readonly string[]) =>
        home.run(["compute", "cdn", ...args, "--output", "json"], {
          DIGITALOCEAN_API_URL: url,
          DIGITALOCEAN_ACCESS_TOKEN: token,
        });
      const one = async (...args: readonly string[]) => first(await cdn(...args));
      return {
        create: (origin, ttl) => one("create", origin, "--ttl", String(ttl)),
        get: (id) => one("get", id),
        list: async () => (JSON.parse(await cdn("list")) as GodoEndpoint[]).map(seen),
        update: (id, ttl) => one("update", id, "--ttl", String(ttl)),
        clearDomain: (id) => one("update", id, "--domain", "", "--certificate-id", ""),
        flush: async (id, files) => {
          await cdn("flush", id, "--files", files.join(","));
        },
        delete: async (id) => {
          await cdn("delete", id, "--force");
        },
        [Symbol.asyncDispose]: async () => home[Symbol.dispose](),
      };
    },
  };
}

/** It prints a list even of one. */
function first(text: string): Seen {
  const parsed = JSON.parse(text) as GodoEndpoint | readonly [GodoEndpoint];
  return seen("id" in parsed ? parsed : parsed[0]);
}

function seen({ id, origin, ttl, custom_domain }: GodoEndpoint): Seen {
  return { id, origin, ttl, customDomain: custom_domain };
}

import { X509Certificate } from "node:crypto";
import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "#clock.ts";
import { openLocalCa } from "#x509/local-ca.ts";
import { memoryCaStore } from "./ca-store.ts";

/** A certificate and its key, both PEM. */
export interface Pair {
  readonly cert: string;
  readonly key: string;
  /** SHA-256, as `getPeerX509Certificate` has it. */
  readonly fingerprint: string;
}

/** Where a program is told to look for a pair. */
export interface PairFiles {
  readonly cert: string;
  readonly key: string;
}

/** A CA of a test's own, and a folder for what it issues. Disposing of it removes the folder. */
export interface Authority extends AsyncDisposable {
  /** What clients have to trust. */
  readonly caPem: string;
  /** A new certificate, different from every other. */
  issue(...names: readonly string[]): Promise<Pair>;
  /** Fresh file names with this pair in them. */
  filesOf(pair: Pair): Promise<PairFiles>;
}

export async function openAuthority(): Promise<Authority> {
  const directory = await mkdtemp(join(tmpdir(), "atoll-authority-"));
  const ca = await openLocalCa(join(directory, "ca"), memoryCaStore(), systemClock);
  let written = 0;
  return {
    caPem: ca.caPem,
    issue: async (...names) => {
      const leaf = await ca.newLeaf(names, undefined);
      if (leaf === undefined) throw new Error("The CA made no leaf");
      const { cert, key } = leaf;
      return { cert, key, fingerprint: new X509Certificate(cert).fingerprint256 };
    },
    filesOf: async (pair) => {
      written += 1;
      const files = {
        cert: join(directory, `${written}.pem`),
        key: join(directory, `${written}.key`),
      };
      await replaceFile(files.cert, pair.cert);
      await replaceFile(files.key, pair.key);
      return files;
    },
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true }),
  };
}

/** As those do it who renew certificates: whoever reads finds the old file or the new one. */
export async function replaceFile(file: string, text: string): Promise<void> {
  await writeFile(`${file}.new`, text, { mode: 0o600 });
  await rename(`${file}.new`, file);
}

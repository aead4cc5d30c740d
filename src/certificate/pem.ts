import { X509Certificate } from "node:crypto";

/** RFC 7468: what stands between a BEGIN and its END. */
export interface PemBlock {
  /** `CERTIFICATE`, `RSA PRIVATE KEY`. */
  readonly label: string;
  /** The block as it came, with line feeds only. */
  readonly text: string;
}

const BLOCK = /-----BEGIN ([A-Z0-9 ]{1,40})-----\n[^-]*-----END \1-----/g;

/** The blocks of a text, in order; whatever stands around them is a comment (RFC 7468 §2). */
export function pemBlocks(text: string): readonly PemBlock[] {
  // No expression for blanks at a line's end: where no end comes, it begins anew at each of them.
  const lines = text.split("\n").map((line) => line.trim());
  const blocks = lines.join("\n").matchAll(BLOCK);
  return [...blocks].map(([block, label = ""]) => ({ label, text: `${block}\n` }));
}

/** The certificates of a text, in order; `undefined` when it has none, or one cannot be read. */
export function certificatesOf(text: string): readonly X509Certificate[] | undefined {
  const blocks = pemBlocks(text).filter(({ label }) =>
    /^(?:X509 |TRUSTED )?CERTIFICATE$/.test(label),
  );
  if (blocks.length === 0) return undefined;
  try {
    return blocks.map((block) => new X509Certificate(block.text));
  } catch {
    return undefined; // Not a certificate; the caller says what that means.
  }
}

/** PEM of a certificate, as RFC 7468 §5 writes it. */
export function pemOf(certificate: X509Certificate): string {
  return `${certificate.toString().trim()}\n`;
}

/** The leaf's DNS names in lower case, each once: RFC 5280 §4.2.1.6. */
export function dnsNamesOf(certificate: X509Certificate): readonly string[] {
  const names = (certificate.subjectAltName ?? "").matchAll(SAN_ENTRY);
  const found = [...names].map(([, quoted, plain = ""]) =>
    quoted === undefined ? plain : (JSON.parse(quoted) as string),
  );
  return [...new Set(found.map((name) => name.toLowerCase()))];
}

/** Node prints them as `DNS:localhost, IP Address:127.0.0.1`, and quotes what holds a comma. */
const SAN_ENTRY = /(?:^|, )DNS:(?:("(?:[^"\\]|\\.)*")|([^,"]*))(?=, |$)/g;

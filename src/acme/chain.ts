import { X509Certificate } from "node:crypto";
import { notAsExpected } from "./failures.ts";
import { CHAIN_CERTIFICATES_MAX } from "./limits.ts";

const BLOCK = /-----BEGIN ([^-]*)-----[^-]*-----END \1-----/g;

/**
 * RFC 8555 §7.4.2, §9.1: certificates in PEM and nothing else, the leaf first. A CA that was broken
 * into could send a key in their place, or what a program reads that is configured with the file.
 */
export function parseChain(text: string): string {
  const blocks = [...text.matchAll(BLOCK)];
  if (blocks.length === 0) throw notAsExpected("chain", "it has no PEM in it");
  if (blocks.length > CHAIN_CERTIFICATES_MAX) {
    throw notAsExpected("chain", `it is longer than ${CHAIN_CERTIFICATES_MAX}`);
  }
  if (text.replaceAll(BLOCK, "").trim() !== "") {
    throw notAsExpected("chain", "there is something between its certificates");
  }
  return blocks.map(([pem, label = ""]) => parseCertificate(pem, label)).join("");
}

function parseCertificate(pem: string, label: string): string {
  if (label !== "CERTIFICATE") throw notAsExpected("chain", `there is a ${label} in it`);
  try {
    return new X509Certificate(pem).toString();
  } catch (cause) {
    throw notAsExpected("chain", `a certificate in it cannot be read: ${String(cause)}`);
  }
}

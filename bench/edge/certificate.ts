import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** One for all servers, and one cipher: how fast AES-256 is, is not the question here. */
export const CIPHER = "TLS_AES_128_GCM_SHA256";

export interface Certificate {
  readonly certPath: string;
  readonly keyPath: string;
  /** The same in one file, as HAProxy wants it. */
  readonly bothPath: string;
  readonly pem: string;
  /** OPENSSL_CONF for clients that have no option of their own for TLS 1.3 and the cipher: wrk. */
  readonly clientConfigPath: string;
}

const CLIENT_CONFIG = `openssl_conf = client
[client]
ssl_conf = ssl
[ssl]
system_default = tls
[tls]
MinProtocol = TLSv1.3
Ciphersuites = ${CIPHER}
`;

/** A self-signed ECDSA P-256 certificate for 127.0.0.1. */
export async function makeCertificate(folder: string): Promise<Certificate> {
  const at = (name: string): string => join(folder, name);
  const certificate = {
    certPath: at("cert.pem"),
    keyPath: at("key.pem"),
    bothPath: at("both.pem"),
    clientConfigPath: at("client.cnf"),
  };
  await run("openssl", [
    "req",
    "-x509",
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:P-256",
    "-nodes",
    "-days",
    "30",
    "-subj",
    "/CN=localhost",
    "-addext",
    "subjectAltName=DNS:localhost,IP:127.0.0.1",
    "-keyout",
    certificate.keyPath,
    "-out",
    certificate.certPath,
  ]);
  const pem = await readFile(certificate.certPath, "utf8");
  await writeFile(certificate.bothPath, pem + (await readFile(certificate.keyPath, "utf8")));
  await writeFile(certificate.clientConfigPath, CLIENT_CONFIG);
  return { ...certificate, pem };
}

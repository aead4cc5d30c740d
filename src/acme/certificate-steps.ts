import { X509Certificate } from "node:crypto";
import type { Clock } from "#clock.ts";
import type { AcmeClient } from "./acme.ts";
import { parseChain } from "./chain.ts";
import type { Exchange, Reply } from "./exchange.ts";
import { isOfType, notAsExpected } from "./failures.ts";
import { CHAIN_BYTES_MAX } from "./limits.ts";
import type { CertificateId } from "./order-steps.ts";
import { parseRenewalWindow } from "./renewal-window.ts";
import type { Session } from "./session.ts";

/** What is asked about a certificate once it is there. */
export function certificateSteps(
  session: Session,
  certificateId: CertificateId,
  clock: Clock,
): Pick<AcmeClient, "download" | "revoke" | "renewalWindow"> {
  return {
    download: async ({ certificate }) => {
      if (certificate === undefined) throw notAsExpected("order", "it has no certificate yet");
      const { body } = await session.post(certificate, {
        step: "download",
        accept: "application/pem-certificate-chain",
        bytesMax: CHAIN_BYTES_MAX,
      });
      return parseChain(body);
    },
    revoke: async (leaf, reason) => {
      const certificate = new X509Certificate(leaf).raw.toString("base64url");
      const { revokeCert } = await session.directory();
      try {
        await session.post(revokeCert, { step: "revoke", payload: { certificate, reason } });
      } catch (error) {
        if (!isOfType(error, "alreadyRevoked")) throw error;
      }
    },
    renewalWindow: async (leaf) => {
      const { renewalInfo } = await session.directory();
      const id = certificateId(leaf);
      if (renewalInfo === undefined || id === undefined) return undefined;
      const reply = await askForRenewal(session.exchange, `${renewalInfo}/${id}`);
      return reply && parseRenewalWindow(reply.body, reply.retryAt, clock.now());
    },
  };
}

/** Nothing where the CA does not know the certificate: one of its former life, or of another CA. */
async function askForRenewal(exchange: Exchange, url: string): Promise<Reply | undefined> {
  try {
    const reply = await exchange.send(url, { step: "renewal", method: "GET", absent: 404 });
    return reply.status === 404 ? undefined : reply;
  } catch (error) {
    if (isOfType(error, "malformed")) return undefined;
    throw error;
  }
}

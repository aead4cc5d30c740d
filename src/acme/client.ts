import type { AcmeClient } from "./acme.ts";
import { certificateSteps } from "./certificate-steps.ts";
import { isOfType } from "./failures.ts";
import { type CertificateId, orderSteps } from "./order-steps.ts";
import { openSession, type SessionOptions } from "./session.ts";
import { parseAuthorization, parseChallengeStatus } from "./wire.ts";

export interface AcmeClientOptions extends SessionOptions {
  readonly certificateId: CertificateId;
}

/** One account at one CA, over the network. Nothing is asked before the first call. */
export function acmeClient(options: AcmeClientOptions): AcmeClient {
  const { clock, certificateId, directory } = options;
  const session = openSession(options);
  return {
    directory,
    ...orderSteps(session, certificateId),
    readAuthorization: async (url) => {
      const { body, retryAt } = await session.post(url, { step: "resource" });
      return parseAuthorization(body, url, retryAt);
    },
    deactivate: async (url) => {
      await session.post(url, { step: "resource", payload: { status: "deactivated" } });
    },
    keyAuthorization: async (token) => `${token}.${(await session.accounts.key()).thumbprint}`,
    respond: async ({ url, status }) => {
      if (status !== "pending") return;
      try {
        await session.post(url, { step: "resource", payload: {} });
      } catch (error) {
        // §7.5.1: so it answers as well when it had been told, and that it heard was lost on the way.
        if (!isOfType(error, "malformed")) throw error;
        const { body } = await session.post(url, { step: "resource" });
        if (parseChallengeStatus(body) === "pending") throw error;
      }
    },
    ...certificateSteps(session, certificateId, clock),
  };
}

import { type AcmeClient, AcmeError, type Order, type OrderWishes } from "./acme.ts";
import type { CaDirectory } from "./directory.ts";
import { isOfType, notAsExpected, notOffered } from "./failures.ts";
import type { Session } from "./session.ts";
import { CaUrl, parseOrder } from "./wire.ts";

/** RFC 9773 §4.1: a certificate's unique identifier, where it has one. */
export type CertificateId = (leaf: string) => string | undefined;

/** Profiles named in an error: more than any CA has. */
const PROFILES_SHOWN = 20;

/** RFC 8555 §7.4: from the names to a request that the CA has taken. */
export function orderSteps(
  session: Session,
  certificateId: CertificateId,
): Pick<AcmeClient, "order" | "readOrder" | "finalize"> {
  const readOrder = async (url: string): Promise<Order> => {
    const { body, retryAt } = await session.post(url, { step: "resource" });
    return parseOrder(body, url, retryAt);
  };
  return {
    order: async (names, wishes) => {
      const ca = await session.directory();
      checkProfile(ca, wishes.profile);
      const payload = orderPayload(names, wishes);
      return newOrder(session, ca.newOrder, payload, replacedId(ca, wishes, certificateId));
    },
    readOrder,
    finalize: async (order, csr) => {
      const payload = { csr: Buffer.from(csr).toString("base64url") };
      try {
        const { body, retryAt } = await session.post(order.finalize, { step: "finalize", payload });
        return parseOrder(body, order.url, retryAt);
      } catch (error) {
        // §7.4: so it answers as well when it had been asked before a crash.
        if (!isOfType(error, "orderNotReady")) throw error;
        const current = await readOrder(order.url);
        if (current.status === "processing" || current.status === "valid") return current;
        throw error;
      }
    },
  };
}

/** The profiles' draft §4: a CA is free to choose when none is asked for, not when one is. */
function checkProfile({ meta }: CaDirectory, profile: string | undefined): void {
  if (profile === undefined || Object.hasOwn(meta.profiles, profile)) return;
  const offered = Object.keys(meta.profiles).slice(0, PROFILES_SHOWN).join(", ");
  throw notOffered(
    `The CA has no profile "${profile}": ${offered === "" ? "it has none" : `it has ${offered}`}`,
  );
}

function orderPayload(names: readonly string[], { profile }: OrderWishes): object {
  const identifiers = [...new Set(names.map((name) => name.toLowerCase()))].map((value) => ({
    type: "dns",
    value,
  }));
  return { identifiers, ...(profile !== undefined && { profile }) };
}

/** RFC 9773 §5: only where the CA has renewal information. */
function replacedId(
  { renewalInfo }: CaDirectory,
  { replaces }: OrderWishes,
  certificateId: CertificateId,
): string | undefined {
  return renewalInfo === undefined || replaces === undefined ? undefined : certificateId(replaces);
}

async function newOrder(
  session: Session,
  url: string,
  payload: object,
  replaces: string | undefined,
): Promise<Order> {
  const asked = replaces === undefined ? payload : { ...payload, replaces };
  try {
    const { body, location, retryAt } = await session.post(url, { step: "order", payload: asked });
    const at = CaUrl.safeParse(location);
    if (!at.success) throw notAsExpected("order", "its URL is missing");
    return parseOrder(body, at.data, retryAt);
  } catch (error) {
    if (replaces === undefined || !isAboutReplacing(error)) throw error;
    return newOrder(session, url, payload, undefined);
  }
}

/**
 * RFC 9773 §7.4: somebody was quicker, maybe we before a crash. Or the CA does not know the
 * certificate, or not as this account's, or it fails at that (Pebble, for one serial number in 256).
 * It is due all the same, and what is wrong beside that will be said again.
 */
function isAboutReplacing(error: unknown): boolean {
  if (!(error instanceof AcmeError)) return false;
  return error.permanent || isOfType(error, "alreadyReplaced") || isOfType(error, "serverInternal");
}

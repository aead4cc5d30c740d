import type { PlatformName } from "#feed/message.ts";
import { certificateRefusal, type Refusal } from "../admission.ts";
import type { Client } from "../exchange.ts";
import { hostName } from "../names.ts";
import { httpsLocation } from "../policy/transport.ts";
import type { RequestHead } from "../request.ts";

/** What becomes of a request for a name of the platform's own. */
export type PlatformPassage =
  /** It is for somebody else. */
  | { readonly kind: "none" }
  | ({ readonly kind: "refused" } & Refusal)
  | { readonly kind: "handed"; readonly to: PlatformName };

const NONE: PlatformPassage = { kind: "none" };

/** The names that this edge hands to the control plane. */
export class PlatformNames {
  readonly #names: ReadonlyMap<string, PlatformName>;
  readonly #tlsPort: number;

  /** @param tlsPort where they are served, as clients reach it */
  constructor(names: readonly PlatformName[], tlsPort: number) {
    this.#names = new Map(names.map((each) => [each.name, each]));
    this.#tlsPort = tlsPort;
  }

  /** CONTRACT §1.5: what has a token in it goes over https alone, whatever its method is. */
  decide(
    { host, target }: Pick<RequestHead, "host" | "target">,
    { tls }: Pick<Client, "tls">,
  ): PlatformPassage {
    const to = this.#names.size === 0 ? undefined : this.#names.get(hostName(host));
    if (to === undefined) return NONE;
    if (tls === undefined) {
      const location = httpsLocation({ host, target, tlsPort: this.#tlsPort });
      return {
        kind: "refused",
        status: 308,
        reason: HTTPS_ONLY,
        lines: `location: ${location}\r\n`,
      };
    }
    const misdirected = certificateRefusal({ host }, tls);
    return misdirected === undefined ? { kind: "handed", to } : { kind: "refused", ...misdirected };
  }
}

const HTTPS_ONLY =
  "This is served over https only. A token that was sent in the clear is known to others.";

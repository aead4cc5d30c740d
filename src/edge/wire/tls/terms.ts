import type { TlsTerms } from "../../exchange.ts";
import { hostName } from "../../names.ts";
import { coversName } from "./certificate-directory.ts";

/** What a connection's handshake has settled: it is good for what its certificate names. */
export class CertificateTerms implements TlsTerms {
  readonly version: string;
  readonly #names: ReadonlySet<string>;
  /** A connection's requests are nearly all for one Host, and each asks. */
  #lastHost: string | undefined;
  #lastAnswer = false;

  constructor(version: string, names: ReadonlySet<string>) {
    this.version = version;
    this.#names = names;
  }

  /** In any case, with or without a port and a trailing dot. */
  covers(host: string): boolean {
    if (host !== this.#lastHost) {
      this.#lastAnswer = coversName(this.#names, hostName(host));
      this.#lastHost = host;
    }
    return this.#lastAnswer;
  }
}

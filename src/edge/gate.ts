import { keyTarget } from "#cdn/key-target.ts";
import type { EdgeEndpoint, EndpointSettings } from "#feed/entry.ts";
import { unreachable } from "#unreachable.ts";
import {
  certificateRefusal,
  loopRefusal,
  methodRefusal,
  type Refusal,
  UNKNOWN_HOST,
} from "./admission.ts";
import { ownedText } from "./cache/owned.ts";
import type { Client } from "./exchange.ts";
import type { LiveEndpoint } from "./names.ts";
import type { Cors } from "./policy/cors.ts";
import { CorsAnswers } from "./policy/cors-answers.ts";
import { decideSignature } from "./policy/signed-url.ts";
import { decideRedirect, hstsLine, type Transport } from "./policy/transport.ts";
import type { RequestHead } from "./request.ts";

/** What becomes of a request before its endpoint's cache is asked. Lines end with their CRLF. */
export type Passage =
  | ({
      readonly kind: "refused";
      /** Absent where nobody may know of it. */
      readonly live: LiveEndpoint | undefined;
    } & Refusal)
  /** A preflight: 200 without content. */
  | {
      readonly kind: "answered";
      readonly status: 200;
      readonly lines: string;
      readonly live: LiveEndpoint;
    }
  | {
      readonly kind: "admitted";
      readonly live: LiveEndpoint;
      /** What is in the key, and what the origin is sent: without what was for the edge alone. */
      readonly target: string;
      /** Fields of every reply to this request. For the same request they are the same string. */
      readonly lines: string;
    };

/** What is the same for all requests of an edge. */
interface GateTerms {
  /** What `Origin` names this installation by in CDN-Loop. */
  readonly loopToken: string;
  /** As clients reach it. Absent: nothing is served over TLS. */
  readonly tlsPort: number | undefined;
}

const UNKNOWN: Passage = { kind: "refused", live: undefined, ...UNKNOWN_HOST };

/**
 * Where each request is judged by what its endpoint's owner has settled: host, certificate, loop, https,
 * preflight, method, signature, and last what of the query counts. The first that stops it answers it.
 */
export class Gate {
  readonly #loopToken: string;
  readonly #clear: Transport;
  readonly #tls: Transport;
  readonly #cors = new CorsAnswers();
  /** Lines with Strict-Transport-Security: for as long as both that they are made of are there. */
  readonly #withHsts = new WeakMap<EndpointSettings, WeakMap<Cors, string>>();

  constructor({ loopToken, tlsPort }: GateTerms) {
    this.#loopToken = loopToken;
    this.#clear = { isTls: false, tlsPort };
    this.#tls = { isTls: true, tlsPort };
  }

  /** `live` is the endpoint that the Host names, and `now` in milliseconds since the epoch. */
  decide(
    request: RequestHead,
    live: LiveEndpoint | undefined,
    client: Pick<Client, "tls">,
    now: number,
  ): Passage {
    if (live === undefined) return UNKNOWN;
    const { endpoint } = live;
    // Who has no certificate for a host has nothing to say for it either, Strict-Transport-Security
    // least of all (RFC 6797 §8.1).
    const misdirected = certificateRefusal(request, client.tls);
    if (misdirected !== undefined) return { kind: "refused", live, ...misdirected };
    const transport = client.tls === undefined ? this.#clear : this.#tls;
    const cors = this.#cors.decide(endpoint.cors, request);
    const lines = this.#linesOf(endpoint, cors, transport);
    const refusal = this.#refusalOf(request, endpoint, cors, transport);
    if (refusal !== undefined) return refused(live, refusal, lines);
    if (cors.kind === "preflight-allowed") return { kind: "answered", status: 200, lines, live };
    let { target } = request;
    const { settings } = endpoint;
    if (settings === undefined) return { kind: "admitted", live, target, lines };
    if (settings.signedUrls !== undefined) {
      const { secrets } = settings.signedUrls;
      const signature = decideSignature(target, secrets, Math.floor(now / 1_000));
      if (signature.kind === "refused") {
        return refused(live, { ...signature, lines: "" }, lines);
      }
      target = signature.target;
    }
    return { kind: "admitted", live, target: keyTarget(target, settings.query), lines };
  }

  #refusalOf(
    request: RequestHead,
    endpoint: EdgeEndpoint,
    cors: Cors,
    transport: Transport,
  ): Refusal | undefined {
    const loop = loopRefusal(request, this.#loopToken);
    if (loop !== undefined) return loop;
    const redirect = decideRedirect(endpoint.settings, request, transport);
    if (redirect.kind === "redirect") return redirect;
    switch (cors.kind) {
      case "preflight-refused":
        return { ...cors, lines: "" };
      case "preflight-allowed":
        return undefined;
      case "none":
      case "actual":
        return methodRefusal(request, endpoint);
      default:
        return unreachable(cors);
    }
  }

  #linesOf({ settings }: EdgeEndpoint, cors: Cors, { isTls }: Transport): string {
    const said = "lines" in cors ? cors.lines : "";
    if (!isTls || settings?.hsts === undefined) return said;
    let known = this.#withHsts.get(settings);
    if (known === undefined) {
      known = new WeakMap();
      this.#withHsts.set(settings, known);
    }
    const last = known.get(cors);
    if (last !== undefined) return last;
    const lines = ownedText(hstsLine(settings, isTls) + said);
    known.set(cors, lines);
    return lines;
  }
}

/** A page elsewhere may read why, and a browser that was refused learns about https all the same. */
function refused(live: LiveEndpoint, { status, reason, lines }: Refusal, said: string): Passage {
  return { kind: "refused", live, status, reason, lines: said + lines };
}

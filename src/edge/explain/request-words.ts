import type { ExplainedStep } from "#feed/explained.ts";
import { unreachable } from "#unreachable.ts";
import type { BypassReason, Lookup } from "../cache/lookup-decision.ts";
import type { LiveEndpoint } from "../names.ts";
import { decideErrorPage } from "../policy/error-page.ts";
import type { Decisions } from "./decisions.ts";

/** What of a request is decided before anything is looked for. */
export function requestSteps(decisions: Decisions): readonly ExplainedStep[] {
  const { request, isTls, certificate, isChallenge, live, handover, looking } = decisions;
  const { method, host, target } = request;
  const how = isTls ? "over TLS" : "in the clear";
  const asked: ExplainedStep = {
    step: "request",
    lines: [`${method} ${target} of ${host}, ${how}`],
  };
  const tls: ExplainedStep[] = isTls ? [{ step: "tls", lines: [tlsLine(certificate)] }] : [];
  if (isTls && certificate === undefined) return [asked, ...tls];
  if (isChallenge) return [asked, { step: "gate", lines: CHALLENGE }];
  if (handover.kind !== "none") return [asked, ...tls, ...platformSteps(handover)];
  const endpoint: ExplainedStep = { step: "endpoint", lines: endpointLines(live) };
  if (live === undefined) return [asked, ...tls, endpoint];
  const gate: ExplainedStep = { step: "gate", lines: gateLines(decisions, live) };
  if (looking === undefined) return [asked, ...tls, endpoint, gate];
  const { key, lookup } = looking;
  return [
    asked,
    ...tls,
    endpoint,
    gate,
    { step: "key", lines: [key] },
    { step: "lookup", lines: [lookupLine(lookup)] },
  ];
}

/** RFC 8555 §8.3: its content is for the CA, and nobody else's to be told of. */
const CHALLENGE = [
  "the edge answers by itself with 200: a CA looks here for the answer to its challenge (http-01)",
  "that goes before all that an endpoint on this host says, and is not stored",
];

function platformSteps(
  handover: Exclude<Decisions["handover"], { kind: "none" }>,
): readonly ExplainedStep[] {
  const lines =
    handover.kind === "refused"
      ? [refusalLine(handover), ...withLines(handover.lines)]
      : ["it is handed to the control plane as it comes, and nothing of it is stored"];
  return [
    { step: "endpoint", lines: ["none: the host is a name of the platform's own"] },
    { step: "gate", lines },
  ];
}

function refusalLine({ status, reason }: { readonly status: number; readonly reason: string }) {
  return `the edge answers by itself with ${status}${reason === "" ? "" : `: ${reason}`}`;
}

function tlsLine(certificate: Decisions["certificate"]): string {
  return certificate === undefined
    ? "no certificate is for this name: the handshake is refused, and there is no request"
    : `the certificate ${certificate.id} is shown, for ${certificate.names.join(", ")}`;
}

function endpointLines(live: LiveEndpoint | undefined): string[] {
  if (live === undefined) return ["none answers on this host: 404"];
  const { id, role, space, region, upstream, ttl } = live.endpoint;
  if (role === "proxy") {
    const lifetime = ttl === undefined ? "what RFC 9111 makes of Last-Modified" : `${ttl} s`;
    return [
      `atoll edge, in front of ${upstream?.url ?? "nothing"}`,
      `what says nothing of its lifetime is fresh for: ${lifetime}`,
    ];
  }
  const where = upstream === undefined ? "embedded here" : "in another store";
  return [
    `${id}, of the Space ${space} in ${region}, whose objects are ${where}`,
    `what says nothing of its lifetime is fresh for its TTL: ${ttl ?? 0} s`,
  ];
}

function gateLines({ request, passage }: Decisions, { endpoint }: LiveEndpoint): string[] {
  switch (passage.kind) {
    case "refused": {
      const page = decideErrorPage(endpoint.settings, request, passage.status);
      const standIn = page.kind === "stand-in" ? [`${page.key} of the Space is its content`] : [];
      return [refusalLine(passage), ...standIn, ...withLines(passage.lines)];
    }
    case "answered":
      return [
        "the edge answers by itself with 200: a preflight that a rule of the Space allows",
        ...withLines(passage.lines),
      ];
    case "admitted": {
      const { target, lines } = passage;
      const rest =
        target === request.target
          ? []
          : [`asked for is ${target}: the rest is for the edge alone, or makes no difference`];
      return ["nothing stands in the way", ...rest, ...withLines(lines)];
    }
    default:
      return unreachable(passage);
  }
}

/** Field lines that whatever answers has. */
function withLines(lines: string): string[] {
  return lines
    .split("\r\n")
    .filter((line) => line !== "")
    .map((line) => `the reply has ${line}`);
}

const BYPASSED: Readonly<Record<BypassReason, string>> = {
  method: "only GET and HEAD are answered from it",
  content: "a GET with content may be answered by it, and the key does not have it",
  presigned: "a presigned URL is for its bearer alone",
  authorization: "the store judges what has Authorization, and answers its bearer alone",
};

function lookupLine(lookup: Lookup): string {
  if (lookup.kind === "bypass") return `the cache is left out: ${BYPASSED[lookup.reason]}`;
  return lookup.onlyIfCached
    ? "the cache is asked, and nothing else: the request says only-if-cached"
    : "the cache is asked";
}

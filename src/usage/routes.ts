import { createHash, timingSafeEqual } from "node:crypto";
import { type AnyRoute, route } from "#api/route.ts";
import { Problem } from "#problem.ts";
import { type CertificateUse, certificateFamilies } from "./certificate-families.ts";
import { type DiskUse, diskFamilies } from "./disk-families.ts";
import type { EdgeUsage } from "./edge-usage.ts";
import { metricsText } from "./metrics.ts";
import { decideMetricsAccess } from "./metrics-access.ts";
import { ownProcess } from "./own-process.ts";
import { METRICS_CONTENT_TYPE } from "./prometheus.ts";

export interface MetricsParts {
  readonly usage: EdgeUsage;
  /** Of the disk tier, as it is now. */
  readonly disk: () => DiskUse | undefined;
  /** Of the accounts' certificates, likewise. */
  readonly certificates: () => CertificateUse;
  /** Whoever has it may read them from anywhere. */
  readonly token: string | undefined;
  readonly version: string;
}

/** `/metrics`, as Prometheus reads it. */
export function metricsRoute(parts: MetricsParts): AnyRoute {
  const { usage, disk, certificates, token, version } = parts;
  return route({
    operationId: "atoll_metrics",
    method: "GET",
    path: "/metrics",
    summary: "What the edge and the control plane count, for Prometheus",
    tag: "Atoll",
    access: "public",
    status: 200,
    handle: async ({ request, url, peerAddress }) => {
      const header = (name: string): string | undefined => request.headers.get(name) ?? undefined;
      const authorized = token !== undefined && bears(header("authorization"), token);
      const access = decideMetricsAccess({ peer: peerAddress, host: url.host, header, authorized });
      if (access.kind === "refused") {
        const message = `Unable to authenticate you: ${access.reason}; set ATOLL_METRICS_TOKEN and send it`;
        throw new Problem("unauthorized", message);
      }
      const more = [...diskFamilies(disk()), ...certificateFamilies(certificates())];
      const text = metricsText(await usage.current(), ownProcess(version), more);
      return new Response(text, { headers: { "content-type": METRICS_CONTENT_TYPE } });
    },
  });
}

/** RFC 6750 §2.1. Takes the same time wherever the two begin to differ. */
function bears(authorization: string | undefined, token: string): boolean {
  const [, given = ""] = /^Bearer +(.+)$/i.exec(authorization ?? "") ?? [];
  return timingSafeEqual(digest(given), digest(token));
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

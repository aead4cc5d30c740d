import type { PlainFamily } from "./family.ts";

/** What the keeper of certificates tells of them, when it is asked. */
export interface CertificateUse {
  readonly states: Readonly<Record<string, number>>;
  /** Of those in force, until the first one ends; absent without any. */
  readonly soonestEndSeconds?: number;
  readonly issued: number;
  readonly renewed: number;
  readonly failed: number;
}

/** The accounts' certificates. */
export function certificateFamilies(use: CertificateUse): readonly PlainFamily[] {
  const { states, soonestEndSeconds, issued, renewed, failed } = use;
  return [
    {
      name: "atoll_certificates",
      help: "Certificates of all accounts, by their state.",
      type: "gauge",
      series: Object.entries(states).map(([state, total]) => [["state", state], total]),
    },
    {
      name: "atoll_certificate_soonest_expiry_seconds",
      help: "Time until the first verified certificate ends; below 0 it has ended.",
      type: "gauge",
      series: soonestEndSeconds === undefined ? [] : [[[], soonestEndSeconds]],
    },
    {
      name: "atoll_certificate_attempts_total",
      help: "Attempts to obtain a certificate, by how they ended.",
      type: "counter",
      series: [
        [["result", "issued"], issued],
        [["result", "renewed"], renewed],
        [["result", "failed"], failed],
      ],
    },
  ];
}

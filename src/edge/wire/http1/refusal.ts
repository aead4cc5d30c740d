/** Why a head is refused. The connection is closed after the answer: what follows has no known end. */
export interface Refusal {
  readonly kind: "refused";
  readonly status: 400 | 414 | 417 | 431 | 501 | 505;
  readonly reason: string;
}

/** A refusal with this status. */
export function refused(status: Refusal["status"], reason: string): Refusal {
  return { kind: "refused", status, reason };
}

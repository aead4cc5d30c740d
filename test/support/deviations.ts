/** Where a reply of ours knowingly differs from DigitalOcean's published schema. */
export interface Deviation {
  /** `operationId` of the published operation. */
  readonly operation: string;
  readonly status: number;
  /** Where in the body, as a JSON pointer with `*` for an array index; or `header NAME`. */
  readonly path: string;
  readonly reason: string;
}

/** May only shrink: a deviation that no test meets any more is reported. */
export const DEVIATIONS: readonly Deviation[] = (
  [
    ["cdn_create_endpoint", 201, "/endpoint"],
    ["cdn_get_endpoint", 200, "/endpoint"],
    ["cdn_list_endpoints", 200, "/endpoints/*"],
    ["cdn_update_endpoints", 200, "/endpoint"],
  ] as const
).map(([operation, status, endpoint]) => ({
  operation,
  status,
  path: `${endpoint}/certificate_id`,
  reason: "needs-cloudflare-cert is shown as it was given, as DigitalOcean does: Terraform looks",
}));

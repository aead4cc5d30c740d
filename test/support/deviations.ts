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
export const DEVIATIONS: readonly Deviation[] = [];

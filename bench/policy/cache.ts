/** A cache of so many bytes, as far as a trace can tell. */
export interface Cache {
  /** Whether the object was there. It may be from here on, if it was not. */
  request(object: number, bytes: number): boolean;
}

/** A way to decide what such a cache keeps. */
export interface Policy {
  readonly name: string;
  readonly of: (bytesMax: number) => Cache;
}

import type { Home } from "./home.ts";
import type { Layout } from "./layout.ts";

/** What every client of registries can do with whole images, each in its own words. */
export interface ImageClient {
  /** A tag of a layout into the registry, to the octet, with all its platforms. */
  push(layout: Layout, tag: "one" | "many", image: string): Promise<void>;
  /** An image with all its platforms into a new folder in the image layout. */
  pull(image: string, folder: string): Promise<void>;
  /** From one repository to another. */
  copy(from: string, to: string): Promise<void>;
  digest(image: string): Promise<string>;
  tags(repository: string): Promise<readonly string[]>;
  /** What the image's name refers to: a manifest, or a tag alone, as the client has it. */
  delete(image: string): Promise<void>;
}

export interface ImageClientKind {
  readonly name: string;
  /** Whoever it signs in as is the home's. A failure's text is what it says to its user. */
  open(home: Home): ImageClient;
}

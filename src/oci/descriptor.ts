import { z } from "zod";
import { type Digest, parseDigest } from "./digest.ts";

const Annotations = z.record(z.string(), z.string());

/** OCI image-spec, descriptor.md: what the registry reads of one. Others' members may be anything. */
export const Descriptor = z.object({
  mediaType: z.string().max(255).optional(),
  digest: z.string().transform((text, context): Digest => {
    const digest = parseDigest(text);
    if (digest !== undefined) return digest;
    context.addIssue({ code: "custom", message: "expected a sha256 or sha512 digest" });
    return z.NEVER;
  }),
  size: z.int().min(0),
  urls: z.array(z.string()).nullish(),
});

export type Descriptor = z.output<typeof Descriptor>;

/** A Go program writes `null` for a list that it never made. */
const descriptors = z
  .array(Descriptor)
  .nullish()
  .transform((list) => list ?? []);

/** Every member that names content, of any kind of manifest that there is. */
export const ManifestMembers = z.looseObject({
  schemaVersion: z.unknown().optional(),
  mediaType: z.string().max(255).optional(),
  artifactType: z.string().max(255).optional(),
  config: Descriptor.nullish(),
  layers: descriptors,
  /** Of OCI's artifact manifest, which was withdrawn before 1.1 and is pushed all the same. */
  blobs: descriptors,
  manifests: descriptors,
  subject: Descriptor.nullish(),
  annotations: Annotations.nullish(),
});

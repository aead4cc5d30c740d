import type { ImageClientKind } from "./client.ts";
import type { Layout } from "./layout.ts";

/** What podman and buildah are made of. */
export const skopeo: ImageClientKind = {
  name: "skopeo",
  open: (home) => {
    const { certificates } = home;
    const run = (...args: readonly string[]) => home.run("skopeo", args);
    const one = ["--cert-dir", certificates];
    const source = ["--src-cert-dir", certificates];
    const target = ["--dest-cert-dir", certificates];
    const copy = async (options: readonly string[], from: string, to: string): Promise<void> => {
      await run("copy", "--all", "--preserve-digests", ...options, from, to);
    };
    return {
      push: ({ images }, tag, image) => copy(target, `oci:${images}:${tag}`, `docker://${image}`),
      pull: (image, folder) => copy(source, `docker://${image}`, `oci:${folder}:pulled`),
      copy: (from, to) => copy([...source, ...target], `docker://${from}`, `docker://${to}`),
      digest: (image) => run("inspect", ...one, "--format", "{{.Digest}}", `docker://${image}`),
      tags: async (repository) => {
        const listed = await run("list-tags", ...one, `docker://${repository}`);
        return (JSON.parse(listed) as { readonly Tags: readonly string[] }).Tags;
      },
      delete: async (image) => {
        await run("delete", ...one, `docker://${image}`);
      },
    };
  },
};

/** go-containerregistry's: what kaniko, ko and most of CI use. */
export function crane(program: string): ImageClientKind {
  return {
    name: "crane",
    open: (home) => {
      const run = (...args: readonly string[]) => home.run(program, args);
      // It takes a layout's own index for the image: there has to be nothing else in it.
      const pushed = ({ onlyOne, onlyMany }: Layout, tag: "one" | "many"): readonly string[] =>
        tag === "one" ? [onlyOne] : ["--index", onlyMany];
      return {
        push: async (layout, tag, image) => {
          await run("push", ...pushed(layout, tag), image);
        },
        pull: async (image, folder) => {
          await run("pull", "--format", "oci", image, folder);
        },
        copy: async (from, to) => {
          await run("copy", from, to);
        },
        digest: (image) => run("digest", image),
        tags: async (repository) => (await run("ls", repository)).split("\n"),
        delete: async (image) => {
          await run("delete", image);
        },
      };
    },
  };
}

/** The CNCF's, for artifacts of any kind. */
export function oras(program: string): ImageClientKind {
  return {
    name: "oras",
    open: (home) => {
      const run = (...args: readonly string[]) => home.run(program, args);
      return {
        push: async ({ images }, tag, image) => {
          await run("cp", "--from-oci-layout", `${images}:${tag}`, image);
        },
        pull: async (image, folder) => {
          await run("cp", image, "--to-oci-layout", `${folder}:pulled`);
        },
        copy: async (from, to) => {
          await run("cp", from, to);
        },
        digest: (image) => run("resolve", image),
        tags: async (repository) => (await run("repo", "tags", repository)).split("\n"),
        delete: async (image) => {
          await run("manifest", "delete", "--force", image);
        },
      };
    },
  };
}

/** regclient's: strict about what the specification says. */
export function regctl(program: string): ImageClientKind {
  return {
    name: "regctl",
    open: (home) => {
      const run = (...args: readonly string[]) => home.run(program, args);
      const copy = async (from: string, to: string): Promise<void> => {
        await run("image", "copy", from, to);
      };
      return {
        push: ({ images }, tag, image) => copy(`ocidir://${images}:${tag}`, image),
        pull: (image, folder) => copy(image, `ocidir://${folder}:pulled`),
        copy,
        digest: (image) => run("image", "digest", image),
        tags: async (repository) => (await run("tag", "ls", repository)).split("\n"),
        delete: async (image) => {
          await run("tag", "delete", image);
        },
      };
    },
  };
}

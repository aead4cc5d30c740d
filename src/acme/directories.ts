/** The CAs that have a name here: what `ATOLL_ACME_DIRECTORY` may say in place of a URL. */
const DIRECTORIES: Readonly<Record<string, string>> = {
  letsencrypt: "https://acme-v02.api.letsencrypt.org/directory",
  "letsencrypt-staging": "https://acme-staging-v02.api.letsencrypt.org/directory",
};

/**
 * A directory's URL from its name or itself, in the one form that rows and metrics have; `undefined`
 * for what may not be asked.
 */
export function parseDirectory(text: string): string | undefined {
  const named = Object.hasOwn(DIRECTORIES, text) ? DIRECTORIES[text] : undefined;
  return parseCaUrl(named ?? text)?.href;
}

/**
 * RFC 8555 §6.1: https. Without TLS only where nobody listens in between: a CA of a test on this
 * machine.
 */
export function parseCaUrl(text: string): URL | undefined {
  const url = URL.parse(text);
  if (url === null || url.username !== "" || url.password !== "") return undefined;
  if (url.protocol === "https:") return url;
  return url.protocol === "http:" && isLoopback(url.hostname) ? url : undefined;
}

/** Whether a URL's host is this machine. */
export function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127(?:\.\d+){3}$/.test(hostname);
}

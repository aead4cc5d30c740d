/** RFC 9110 §7.2, RFC 3986 §3.2: a host and perhaps a port; no user, and none that is empty. */
export function isHost(host: string): boolean {
  return /^(?:\[[\da-f:.]+\]|[\w\-.~!$&'()*+,;=%]+)(?::\d{0,5})?$/i.test(host);
}

/** RFC 9110 §4.2.3: in any case, and with or without the default port. */
export function sameAuthority(one: string, other: string): boolean {
  return one === other || withoutDefaultPort(one) === withoutDefaultPort(other);
}

function withoutDefaultPort(authority: string): string {
  return authority.toLowerCase().replace(/:(?:80|443)?$/, "");
}

/**
 * Whose a key is, among workers by their slots: the one with the highest score for it (rendezvous
 * hashing). Who comes takes from each of the others its share, and who goes leaves them its own: no
 * other key changes hands. Undefined if there is nobody.
 */
export function ownerAmong(key: string, slots: Iterable<number>): number | undefined {
  const hash = hashOf(key);
  let owner: number | undefined;
  let highest = -1;
  for (const slot of slots) {
    const score = scoreOf(hash, slot);
    if (score <= highest) continue;
    highest = score;
    owner = slot;
  }
  return owner;
}

/** FNV-1a, 32 bits, of one octet a character. */
function hashOf(key: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < key.length; i += 1) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
  return hash;
}

/** What MurmurHash3 ends with: a bijection, so that no two slots have the same score for a key. */
function scoreOf(hash: number, slot: number): number {
  let score = hash ^ Math.imul(slot + 1, 0x9e3779b1);
  score = Math.imul(score ^ (score >>> 16), 0x85ebca6b);
  score = Math.imul(score ^ (score >>> 13), 0xc2b2ae35);
  return (score ^ (score >>> 16)) >>> 0;
}

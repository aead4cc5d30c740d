import { CODE_LENGTHS, CODES, EOS } from "./huffman-code.ts";

/** RFC 7541 §5.2: more padding than this is an error. */
const PADDING_BITS_MAX = 7;

/**
 * The tree of Appendix B. Its inner nodes are numbered from the root, 0, and there are 256 of them;
 * `tree[2 * node + bit]` is the node that follows, or `~symbol` at a leaf.
 */
const TREE = buildTree();

/**
 * Decodes an octet in one step: `HUFFMAN_STEPS[node * 256 + octet]` has the node that follows in
 * its low 8 bits, then two symbols of 8 bits each, then how many of the two there are. Eight bits
 * end two codes at most, for the shortest has five. A negative step is one that meets EOS.
 */
export const HUFFMAN_STEPS: Readonly<Int32Array> = buildSteps();

/** Whether a string may end at the node: it is the root, or a few ones below it. */
export function isPadding(node: number): boolean {
  return PADDING_NODES[node] === 1;
}

const PADDING_NODES = new Uint8Array(256);
for (let bits = 0, node = 0; bits <= PADDING_BITS_MAX; bits += 1) {
  PADDING_NODES[node] = 1;
  node = TREE[2 * node + 1] ?? 0;
}

function buildTree(): Int32Array {
  const tree = new Int32Array(2 * 256);
  let nodes = 1;
  for (const [symbol, length] of CODE_LENGTHS.entries()) {
    const code = CODES[symbol] ?? 0;
    let node = 0;
    for (let bit = length - 1; bit > 0; bit -= 1) {
      const branch = 2 * node + ((code >>> bit) & 1);
      // No branch leads back to the root: 0 is one that has not grown yet.
      if (tree[branch] === 0) {
        tree[branch] = nodes;
        nodes += 1;
      }
      node = tree[branch] ?? 0;
    }
    tree[2 * node + (code & 1)] = ~symbol;
  }
  return tree;
}

function buildSteps(): Int32Array {
  const steps = new Int32Array(256 * 256);
  for (let i = 0; i < steps.length; i += 1) steps[i] = stepFrom(i >>> 8, i & 0xff);
  return steps;
}

function stepFrom(start: number, octet: number): number {
  let node = start;
  let symbols = 0;
  let count = 0;
  for (let bit = 7; bit >= 0; bit -= 1) {
    const next = TREE[2 * node + ((octet >>> bit) & 1)] ?? 0;
    node = Math.max(next, 0);
    if (next >= 0) continue;
    if (~next === EOS) return -1;
    symbols |= ~next << (8 * count);
    count += 1;
  }
  return (count << 24) | (symbols << 8) | node;
}

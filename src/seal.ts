import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";

const ALGORITHM = "aes-256-gcm";
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
export const MASTER_KEY_BYTES = 32;

/** Keeps secrets at rest: what is sealed for one purpose opens for no other. */
export interface Seal {
  /** `purpose` names the row, as `space/12/credentials`: it is bound, not kept secret. */
  seal(text: string, purpose: string): Uint8Array;
  /** @throws Error when it was sealed under another key or for another purpose */
  open(sealed: Uint8Array, purpose: string): string;
}

/** AES-256-GCM with a nonce of its own for each value: nonce, tag, ciphertext. */
export function sealUnder(masterKey: Uint8Array): Seal {
  return {
    seal: (text, purpose) => {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv(ALGORITHM, masterKey, nonce).setAAD(Buffer.from(purpose));
      const ciphertext = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
      return Buffer.concat([nonce, cipher.getAuthTag(), ciphertext]);
    },
    open: (sealed, purpose) => {
      const nonce = sealed.subarray(0, NONCE_BYTES);
      const tag = sealed.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES);
      const decipher = createDecipheriv(ALGORITHM, masterKey, nonce)
        .setAAD(Buffer.from(purpose))
        .setAuthTag(tag);
      try {
        const text = decipher.update(sealed.subarray(NONCE_BYTES + TAG_BYTES));
        return Buffer.concat([text, decipher.final()]).toString("utf8");
      } catch (cause) {
        throw new Error(`Cannot open the secret of ${purpose}: the master key does not fit`, {
          cause,
        });
      }
    },
  };
}

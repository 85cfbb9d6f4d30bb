import {
  constants,
  createCipheriv,
  createDecipheriv,
  createPrivateKey,
  createPublicKey,
  type KeyObject,
  privateDecrypt,
  publicEncrypt,
  randomBytes,
} from "node:crypto";
import { CommandError } from "../command-line";

/** First bytes of every sealed file; another format gets another number. */
const MAGIC = Buffer.from("tuneserve-plan-1\n");

/** Bits of an RSA key that are enough for years. */
const LEAST_BITS = 3072;
const IV_BYTES = 12;
const TAG_BYTES = 16;

const OAEP = { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: "sha256" };

/**
 * Encrypts for whoever has the private key: AES-256-GCM with a key of its own,
 * which RSA-OAEP wraps. Who seals needs no secret, so the job that plans has
 * none; the private key is a secret of the environment that approves.
 */
export function seal(content: Uint8Array, publicKeyPem: string): Buffer {
  const key = rsa("PLAN_PUBLIC_KEY", () => createPublicKey(publicKeyPem));
  const secret = randomBytes(32);
  const iv = randomBytes(IV_BYTES);
  const wrapped = publicEncrypt({ key, ...OAEP }, secret);
  const cipher = createCipheriv("aes-256-gcm", secret, iv);
  cipher.setAAD(MAGIC);
  const encrypted = Buffer.concat([cipher.update(content), cipher.final()]);
  return Buffer.concat([MAGIC, wrapped, iv, cipher.getAuthTag(), encrypted]);
}

/** @throws CommandError when it was sealed for another key, or altered. */
export function unseal(sealed: Buffer, privateKeyPem: string): Buffer {
  const key = rsa("PLAN_PRIVATE_KEY", () => createPrivateKey(privateKeyPem));
  const wrappedBytes = (key.asymmetricKeyDetails?.modulusLength ?? 0) / 8;
  let at = 0;
  const take = (bytes: number) => sealed.subarray(at, (at += bytes));
  if (!take(MAGIC.length).equals(MAGIC)) {
    throw new CommandError(
      `The file is no sealed plan: it does not begin with "${MAGIC.toString().trim()}".`,
    );
  }
  try {
    const wrapped = take(wrappedBytes);
    const secret = privateDecrypt({ key, ...OAEP }, wrapped);
    const decipher = createDecipheriv("aes-256-gcm", secret, take(IV_BYTES), {
      authTagLength: TAG_BYTES,
    });
    decipher.setAAD(MAGIC);
    decipher.setAuthTag(take(TAG_BYTES));
    return Buffer.concat([
      decipher.update(sealed.subarray(at)),
      decipher.final(),
    ]);
  } catch {
    throw new CommandError(
      "The plan could not be decrypted: it was altered, or PLAN_PRIVATE_KEY does not belong to the PLAN_PUBLIC_KEY that sealed it.",
    );
  }
}

/** Never the parser's own words: they may quote the key. */
function rsa(name: string, read: () => KeyObject): KeyObject {
  let key: KeyObject | undefined;
  try {
    key = read();
  } catch {
    // Said below.
  }
  const bits = key?.asymmetricKeyDetails?.modulusLength ?? 0;
  if (key?.asymmetricKeyType !== "rsa" || bits < LEAST_BITS) {
    throw new CommandError(
      `${name} has to be an RSA key in PEM with at least ${LEAST_BITS} bits. docs/ci.md says how to make the pair.`,
    );
  }
  return key;
}

// Bytes as text.

const BYTES_PER_CALL = 8_192;

/** Base64 in slices: the argument list of a call is bounded. */
export function base64(bytes: Uint8Array): string {
  let binary = "";
  for (let i = 0; i < bytes.length; i += BYTES_PER_CALL) {
    binary += String.fromCharCode(...bytes.subarray(i, i + BYTES_PER_CALL));
  }
  return btoa(binary);
}

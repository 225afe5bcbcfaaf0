// Which addresses only this machine reaches.

const LOOPBACK = /^(127(\.\d{1,3}){3}|::1|localhost)$/;

/** Whether an address to listen on is one of this machine alone. */
export function isLoopback(host: string): boolean {
  return LOOPBACK.test(host);
}

/** Whether a URL leads to this machine, so that nobody on the way can read what is sent. */
export function isLoopbackUrl(url: string): boolean {
  return isLoopback(new URL(url).hostname.replace(/^\[(.*)\]$/, "$1"));
}

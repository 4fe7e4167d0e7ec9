import { isIP } from 'node:net';

export function isLoopback(hostname: string): boolean {
  return hostname === '' || /^(?:localhost|127\.[\d.]+|\[::1\]|::1)$/i.test(hostname);
}

/**
 * Whether the host is an address of the internet. A name is not judged: names of private networks cannot be told from
 * public ones (a managed cache, a service mesh, a company's own zone).
 */
export function isPublicAddress(hostname: string): boolean {
  const address = hostname.replace(/^\[(.*)\]$/, '$1');
  if (isLoopback(hostname) || isIP(address) === 0) return false;
  if (isIP(address) === 4)
    return !/^(?:10\.|192\.168\.|169\.254\.|172\.(?:1[6-9]|2\d|3[01])\.|100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.)/.test(
      address,
    );
  return !/^f[cde]/i.test(address);
}

/** Whether the host is certainly this machine or in a private network: by its address, or by a name that has no domain. */
export function isPrivateHost(hostname: string): boolean {
  if (isLoopback(hostname)) return true;
  if (isIP(hostname) !== 0) return !isPublicAddress(hostname);
  return !hostname.includes('.') || /\.(?:internal|local|localhost|lan|svc|home\.arpa)$/i.test(hostname);
}

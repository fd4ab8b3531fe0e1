/** What stands behind the last @ of an address, lower case; null when it is no address. */
export function domainOf(address: string): string | null {
  const [, domain = ''] = /^[^@\s]+@([^@\s]+\.[^@\s.]+)$/.exec(address.trim()) ?? [];
  return domain === '' ? null : domain.toLowerCase();
}

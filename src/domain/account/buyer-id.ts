/**
 * Whether an id can be the segment of an address. Browsers and HTTP clients resolve `.` and `..` before they send a
 * request, also when they are encoded, so that no client could address such a buyer.
 */
export function isAddressableId(id: string): boolean {
  const segment = encodeURIComponent(id);
  return new URL(`/x/${segment}`, 'http://host').pathname === `/x/${segment}`;
}

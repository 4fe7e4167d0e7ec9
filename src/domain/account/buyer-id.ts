/**
 * Whether an id can be the segment of an address. Browsers and HTTP clients resolve `.` and `..` before they send a
 * request, also when they are encoded, and half a character cannot be encoded: no client could address such a buyer.
 */
export function isAddressableId(id: string): boolean {
  if (!id.isWellFormed()) return false;
  const segment = encodeURIComponent(id);
  return new URL(`/x/${segment}`, 'http://host').pathname === `/x/${segment}`;
}

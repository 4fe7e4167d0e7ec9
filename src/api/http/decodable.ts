/** Whether a text has only percent escapes of UTF-8, so that decodeURIComponent accepts it. */
export function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

/** `text` with every address in it lacking its user and password: what messages, progress and cache keys may show. */
export function redactAddresses(text: string): string {
  // Up to the last @ before the path (WHATWG URL, authority state).
  return text.replace(/:\/\/[^/\s]*@/g, "://");
}

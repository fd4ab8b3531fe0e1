/** The stable code of whatever was thrown by the API or the socket; null when it carries none. Never read the message. */
export function codeOf(error: unknown): string | null {
  if (typeof error !== 'object' || error === null || !('code' in error)) return null;
  return typeof error.code === 'string' ? error.code : null;
}

/** A sentence for people: the server's own, or the fallback for anything that was not written for them. */
export function sentenceOf(error: unknown, fallback: string): string {
  return codeOf(error) !== null && error instanceof Error && error.message !== '' ? error.message : fallback;
}

/** Where someone wanted to go before they had to sign in: from the state of the address. */
export function destinationOf(state: unknown): string {
  if (typeof state === 'object' && state !== null && 'from' in state && typeof state.from === 'string') return state.from;
  return '/';
}

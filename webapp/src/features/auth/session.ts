import { useSyncExternalStore } from 'react';
import { auth } from '@/api/auth';

/** Whether someone is signed in. `unknown` only until storage was read. */
export type SessionState = { status: 'unknown' } | { status: 'out' } | { status: 'in'; userId: string; email: string };

let state: SessionState = { status: 'unknown' };
const listeners = new Set<() => void>();

auth.onAuthStateChange((_, session) => {
  const next: SessionState = session
    ? { status: 'in', userId: session.user.id, email: session.user.email ?? '' }
    : { status: 'out' };
  // A refreshed token is not news for the page.
  if (next.status === state.status && (next.status !== 'in' || (state.status === 'in' && next.userId === state.userId))) return;
  state = next;
  for (const listener of listeners) listener();
});

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function useSession(): SessionState {
  return useSyncExternalStore(subscribe, () => state);
}

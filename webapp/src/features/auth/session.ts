import type { Session } from '@supabase/auth-js';
import { useSyncExternalStore } from 'react';
import { auth } from '@/api/auth';
import { needsSecondStep } from './second-step';

/** Whether someone is signed in. `unknown` only until storage was read; `half`: the code of their authenticator is missing. */
export type SessionState = { status: 'unknown' } | { status: 'out' } | { status: 'half' | 'in'; userId: string; email: string };

let state: SessionState = { status: 'unknown' };
const listeners = new Set<() => void>();

auth.onAuthStateChange((_, session) => {
  const next = stateOf(session);
  // A refreshed token is not news for the page.
  if (JSON.stringify(next) === JSON.stringify(state)) return;
  state = next;
  for (const listener of listeners) listener();
});

function stateOf(session: Session | null): SessionState {
  if (!session) return { status: 'out' };
  const status = needsSecondStep(session) ? 'half' : 'in';
  return { status, userId: session.user.id, email: session.user.email ?? '' };
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function useSession(): SessionState {
  return useSyncExternalStore(subscribe, () => state);
}

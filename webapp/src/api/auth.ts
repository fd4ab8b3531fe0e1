import { GoTrueClient, type Session } from '@supabase/auth-js';

/**
 * Sign-in against our own issuer or hosted Supabase: the same client. Bearer tokens, no cookies (decisions.md 5); the
 * client keeps refreshes of several tabs apart.
 */
export const auth = new GoTrueClient({
  url: `${location.origin}/auth/v1`,
  storageKey: 'session',
  autoRefreshToken: true,
  persistSession: true,
  detectSessionInUrl: false,
});

let current: Session | null = null;
auth.onAuthStateChange((_, session) => {
  current = session;
});

const FRESH_FOR_S = 30;

/** The token of now, without waiting; null when signed out, unknown yet, or about to expire. */
export function freshToken(): string | null {
  if (!current || (current.expires_at ?? 0) - Date.now() / 1000 < FRESH_FOR_S) return null;
  return current.access_token;
}

/** The token of now, refreshed when it is about to expire; null when signed out. */
export async function accessToken(): Promise<string | null> {
  const { data } = await auth.getSession();
  return data.session?.access_token ?? null;
}

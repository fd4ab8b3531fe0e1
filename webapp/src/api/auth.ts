import { GoTrueClient } from '@supabase/auth-js';

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

/** The token of now, refreshed when it is about to expire; null when signed out. */
export async function accessToken(): Promise<string | null> {
  const { data } = await auth.getSession();
  return data.session?.access_token ?? null;
}

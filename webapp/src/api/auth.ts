import { GoTrueClient, isAuthRetryableFetchError, type AuthError, type Session } from '@supabase/auth-js';

/** What the server put into the page about itself; empty when it said nothing. */
function told(name: string): string {
  return document.querySelector<HTMLMetaElement>(`meta[name="${name}"]`)?.content ?? '';
}

const apikey = told('auth-key');

/** Where people are signed in: our own issuer, or hosted Supabase. */
export const AUTH_OPTIONS = {
  url: told('auth-url') || `${location.origin}/auth/v1`,
  ...(apikey && { headers: { apikey } }),
};

/**
 * Sign-in against our own issuer or hosted Supabase: the same client. Bearer tokens, no cookies (decisions.md 5); the
 * client keeps refreshes of several tabs apart.
 */
export const auth = new GoTrueClient({
  ...AUTH_OPTIONS,
  storageKey: 'session',
  autoRefreshToken: true,
  persistSession: true,
  detectSessionInUrl: false,
  // Ours answers them; hosted Supabase says so where it does not.
  experimental: { recoveryCodes: true },
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

/** The tokens of now and of later, for what stays open longer than one of them lives. */
export const tokens = {
  now: freshToken,
  read: accessToken,
  watch(onToken: (token: string) => void): () => void {
    const { data } = auth.onAuthStateChange((event, session) => {
      if (event === 'TOKEN_REFRESHED' && session) onToken(session.access_token);
    });
    return () => data.subscription.unsubscribe();
  },
};

let renewal: Promise<{ data: { session: Session | null }; error: AuthError | null }> | null = null;

/**
 * Another token than one that was refused; all who wait share one refresh. null: there is none, and nobody is signed in any more;
 * undefined: whoever signs people in could not be reached.
 */
export async function renewedToken(refused: string): Promise<string | null | undefined> {
  const now = await accessToken();
  if (now !== refused) return now;
  renewal ??= auth.refreshSession().finally(() => {
    renewal = null;
  });
  const { data, error } = await renewal;
  return isAuthRetryableFetchError(error) ? undefined : (data.session?.access_token ?? null);
}

/** One of one's own sign-ins (GoTrue's shape: snake_case). */
export interface SignIn {
  id: string;
  created_at: string;
  refreshed_at: string | null;
  aal: string;
  ip: string | null;
  user_agent: string | null;
  is_current: boolean;
}

/**
 * What our issuer answers beside what the Supabase client asks for.
 *
 * @throws an error with the issuer's `code`.
 */
export async function issuer<T>(method: 'GET' | 'DELETE', path: string): Promise<T> {
  const token = await accessToken();
  const response = await fetch(`/auth/v1${path}`, {
    method,
    headers: { accept: 'application/json', authorization: `Bearer ${token ?? ''}` },
    signal: AbortSignal.timeout(15_000),
  });
  const answer: unknown = response.status === 204 ? null : await response.json().catch(() => null);
  if (response.ok) return answer as T;
  const code = typeof answer === 'object' && answer !== null && 'error_code' in answer ? String(answer.error_code) : 'unknown';
  throw Object.assign(new Error('The issuer refused.'), { code });
}

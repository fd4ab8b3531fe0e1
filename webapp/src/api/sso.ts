import { GoTrueClient } from '@supabase/auth-js';
import { auth, AUTH_OPTIONS } from './auth';

/** By the domain of a work address, or by the connection of an organization that asks for it. */
export type SsoWay = { domain: string } | { providerId: string };

const STORAGE_KEY = 'sso';

/**
 * A client beside `auth`, for the way to the identity provider and back alone. By PKCE: what comes back is a code that is
 * good in this tab only. `auth` itself stays without it, because mailed links are opened on other devices.
 */
function traveller(): GoTrueClient {
  return new GoTrueClient({
    ...AUTH_OPTIONS,
    storageKey: STORAGE_KEY,
    storage: sessionStorage,
    flowType: 'pkce',
    autoRefreshToken: false,
    detectSessionInUrl: false,
  });
}

/** Leave for the identity provider; the answer is only given when that failed. `next`: one of our pages, for afterwards. */
export async function leaveForSso(way: SsoWay, next: string): Promise<Error | null> {
  const redirectTo = `${location.origin}/sign-in/callback?${new URLSearchParams({ by: 'sso', next }).toString()}`;
  const { error } = await traveller().signInWithSSO({ ...way, options: { redirectTo } });
  return error;
}

/** Back from the identity provider with a code: signed in, or why not. */
export async function finishSso(code: string): Promise<Error | null> {
  const { data, error } = await traveller().exchangeCodeForSession(code);
  sessionStorage.removeItem(STORAGE_KEY);
  if (error) return error;
  const { access_token, refresh_token } = data.session;
  return (await auth.setSession({ access_token, refresh_token })).error;
}

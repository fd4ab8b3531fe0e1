import type { Session } from '@supabase/auth-js';

/** Whether the account has an authenticator and this session has not shown its code yet. */
export function needsSecondStep(session: Session): boolean {
  const hasFactor = session.user.factors?.some(({ status }) => status === 'verified') ?? false;
  return hasFactor && levelOf(session.access_token) !== 'aal2';
}

/** The `aal` claim of an access token; null when there is none. The server checks it, this only chooses the page. */
export function levelOf(token: string): string | null {
  const [, payload = ''] = token.split('.');
  try {
    const claims: unknown = JSON.parse(atob(payload.replace(/-/g, '+').replace(/_/g, '/')));
    return typeof claims === 'object' && claims !== null && 'aal' in claims && typeof claims.aal === 'string' ? claims.aal : null;
  } catch {
    return null;
  }
}

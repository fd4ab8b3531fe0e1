import { authWords } from '@/api/words';
import { isAuthApiError, isAuthRetryableFetchError } from '@supabase/auth-js';

const SENTENCES: Record<string, string> = {
  email_exists: 'There is an account with this e-mail. Sign in instead.',
  email_address_invalid: 'This is not an e-mail address.',
  signup_disabled: 'New accounts are closed here.',
};

/** What to tell people about a failed sign-in; decided by the code, never by the message. */
export function authSentence(error: unknown, fallback = 'Signing in did not work. Try again in a moment.'): string {
  if (isAuthRetryableFetchError(error)) return 'The server can’t be reached. Check the connection and try again.';
  if (isAuthApiError(error)) {
    const known = SENTENCES[error.code ?? ''] ?? authWords(error.code ?? null);
    if (known) return known;
    if (error.status === 429) return 'Too many tries. Wait a minute and try again.';
  }
  return fallback;
}

import { isAuthApiError, isAuthRetryableFetchError } from '@supabase/auth-js';

const SENTENCES: Record<string, string> = {
  invalid_credentials: 'E-mail or password is not right.',
  user_already_exists: 'There is an account with this e-mail. Sign in instead.',
  email_exists: 'There is an account with this e-mail. Sign in instead.',
  weak_password: 'Choose a longer or less common password.',
  email_address_invalid: 'This is not an e-mail address.',
  over_request_rate_limit: 'Too many tries. Wait a minute and try again.',
  signup_disabled: 'New accounts are closed here.',
};

/** What to tell people about a failed sign-in; decided by the code, never by the message. */
export function authSentence(error: unknown): string {
  if (isAuthRetryableFetchError(error)) return 'The server can’t be reached. Check the connection and try again.';
  if (isAuthApiError(error)) {
    const known = SENTENCES[error.code ?? ''];
    if (known) return known;
    if (error.status === 400) return 'E-mail or password is not right.';
    if (error.status === 429) return 'Too many tries. Wait a minute and try again.';
    if (error.status === 422) return 'Check the e-mail address and choose a longer password.';
  }
  return 'Signing in did not work. Try again in a moment.';
}

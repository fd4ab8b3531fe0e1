import { isAuthApiError, isAuthRetryableFetchError } from '@supabase/auth-js';

const SENTENCES: Record<string, string> = {
  invalid_credentials: 'E-mail or password is not right.',
  user_already_exists: 'There is an account with this e-mail. Sign in instead.',
  email_exists: 'There is an account with this e-mail. Sign in instead.',
  weak_password: 'Choose a longer or less common password.',
  email_address_invalid: 'This is not an e-mail address.',
  over_request_rate_limit: 'Too many tries. Wait a minute and try again.',
  signup_disabled: 'New accounts are closed here.',
  email_not_confirmed: 'Confirm your e-mail first: the link is in the mail we sent you.',
  over_email_send_rate_limit: 'A mail was sent a moment ago. Wait a minute before asking for another.',
  same_password: 'This is the password you have now.',
  mfa_verification_failed: 'This code is not right, or its half minute is over.',
  mfa_challenge_expired: 'This took too long. Type the code that is shown now.',
  otp_expired: 'This link is used up or too old. Ask for a new one.',
  reauthentication_needed: 'Sign out and in again before changing this.',
};

/** What to tell people about a failed sign-in; decided by the code, never by the message. */
export function authSentence(error: unknown, fallback = 'Signing in did not work. Try again in a moment.'): string {
  if (isAuthRetryableFetchError(error)) return 'The server can’t be reached. Check the connection and try again.';
  if (isAuthApiError(error)) {
    const known = SENTENCES[error.code ?? ''];
    if (known) return known;
    if (error.status === 429) return 'Too many tries. Wait a minute and try again.';
  }
  return fallback;
}

import { codeOf } from '@/lib/errors';

const SENTENCES: Record<string, string> = {
  weak_password: 'Choose a longer or less common password.',
  same_password: 'This is the password you have now.',
  email_exists: 'This address can’t be used.',
  email_address_invalid: 'This is not an e-mail address.',
  mfa_verification_failed: 'This code is not right, or its half minute is over.',
  mfa_factor_name_conflict: 'There is one with this name already.',
  too_many_enrolled_mfa_factors: 'There are too many already. Remove one first.',
  insufficient_aal: 'Sign out and in again with your authenticator before changing this.',
  single_identity_not_deletable: 'This is your only way to sign in. Choose a password first.',
  email_identity_not_deletable: 'The address stays: your account is recovered by it.',
  identity_not_found: 'It is unlinked already.',
  sso_enforced: 'Your organization lets you in by its own sign-in only, so this stays as it is.',
  reauthentication_needed: 'Sign out and in again before changing this.',
  over_request_rate_limit: 'Too many tries. Wait a minute and try again.',
  over_email_send_rate_limit: 'A mail was sent a moment ago. Wait a minute before asking for another.',
};

/** What to tell people about a refused change of their account; decided by the code, never by the message. */
export function accountSentence(error: unknown): string {
  return SENTENCES[codeOf(error) ?? ''] ?? 'This did not work. Try again in a moment.';
}

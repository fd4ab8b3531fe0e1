import type { ApiCode, AuthCode } from './generated/errors';

/** Refusals of our own: nothing answered; what came was not of the API. */
type OwnCode = 'offline' | 'unreadable';
/** The server's own sentence is told: whoever refused wrote it about this very case. */
const AS_SAID = null;

/** What is told of a refusal of the API, by its code. A code of the server that is missing here does not compile. */
export const WORDS = {
  alert_already_filled: AS_SAID,
  alert_not_filled: AS_SAID,
  alert_over: AS_SAID,
  already_left: 'You have left the room already.',
  conflict: AS_SAID,
  error: 'This did not work. Try again in a moment.',
  feature_not_in_plan: AS_SAID,
  forbidden: AS_SAID,
  idempotency_key_reused: 'This was sent before, with something else in it. Load the page again and try once more.',
  internal: 'Something went wrong on our side. It is written down there; try again in a moment.',
  invalid_input: AS_SAID,
  method_not_allowed: 'This page is older than the server. Load it again.',
  no_media_node: AS_SAID,
  not_acceptable: 'This page is older than the server. Load it again.',
  not_found: AS_SAID,
  plan_limit_reached: AS_SAID,
  precondition_failed: 'Somebody else changed this meanwhile. What is there now is shown; do it again to replace it.',
  rate_limited: 'That was too often. Wait a minute and try again.',
  refused: 'The server refused this. Load the page again and try once more.',
  request_in_flight: 'The first try is still being carried out. Look again in a moment.',
  room_already_live: AS_SAID,
  room_not_live: AS_SAID,
  sso_domain_unverified: 'Your organization has not shown that the domain of this address is its own. Tell whoever runs it.',
  sso_failed: AS_SAID,
  sso_not_proven: 'Test it first, in your own name: nobody may be made to use what its owner has not come in by.',
  sso_provider_not_found: 'There is no such identity provider any more.',
  sso_required: 'Your organization lets you in by its own sign-in only.',
  target_already_hit: AS_SAID,
  too_large: 'This is too long to be sent.',
  unauthenticated: 'You are signed out. Sign in again to go on.',
  unavailable: AS_SAID,
  unsupported_media_type: 'This page is older than the server. Load it again.',
  wrong_host: 'This address is not the one the server goes by. Use the one you were given.',
  offline: 'The server can’t be reached. Check the connection and try again.',
  unreadable: 'The server gave no readable answer. Try again in a moment.',
} as const satisfies Record<ApiCode | OwnCode, string | null>;

/** What to tell of a refusal: our own sentence for its code, else the server's. */
export function sayOf(code: string, said: string): string {
  return (Object.hasOwn(WORDS, code) ? WORDS[code as ApiCode | OwnCode] : null) ?? said;
}

/** Left to the page: it says what did not come about, which is all there is to say. */
const LEFT = null;

/** What is told of a refusal of sign-in, by its code, where the page has nothing better. As complete as `WORDS`. */
const AUTH_WORDS: Record<AuthCode, string | null> = {
  bad_code_verifier: 'This was begun in another tab. Begin again.',
  bad_json: LEFT,
  bad_jwt: 'You are signed out. Sign in again to go on.',
  bad_oauth_state: 'This took longer than ten minutes, or was begun in another browser. Begin again.',
  conflict: LEFT,
  current_password_invalid: 'This is not the password you have now.',
  email_exists: 'This address can’t be used.',
  email_identity_not_deletable: 'The address stays: your account is recovered by it.',
  email_not_confirmed: 'Confirm your e-mail first: the link is in the mail we sent you.',
  flow_state_expired: 'This took too long. Begin again.',
  flow_state_not_found: 'This took too long, or was used before. Begin again.',
  forbidden: 'You may not do this.',
  identity_not_found: 'It is unlinked already.',
  identity_taken: 'Your organization’s identity provider knows another account of yours. Tell whoever runs it.',
  insufficient_aal: 'Sign out and in again with your authenticator before changing this.',
  invalid_credentials: 'E-mail or password is not right.',
  malformed: LEFT,
  mfa_challenge_expired: 'This took too long. Type the code that is shown now.',
  mfa_factor_name_conflict: 'There is one with this name already.',
  mfa_factor_not_found: 'There is no such authenticator any more.',
  mfa_recovery_codes_sole_factor: 'Delete your recovery codes first: they can’t be all that is left.',
  mfa_verification_failed: 'This code is not right, or its half minute is over.',
  no_authorization: 'You are signed out. Sign in again to go on.',
  not_admin: 'You may not do this.',
  not_found: 'There is no such thing any more.',
  otp_expired: 'This link is used up or too old. Ask for a new one.',
  over_email_send_rate_limit: 'A mail was sent a moment ago. Wait a minute before asking for another.',
  over_request_rate_limit: 'Too many tries. Wait a minute and try again.',
  reauthentication_needed: 'Sign out and in again before changing this.',
  reauthentication_not_valid: 'This code is not right, or it was used before.',
  refresh_token_already_used: 'You are signed out. Sign in again to go on.',
  refresh_token_not_found: 'You are signed out. Sign in again to go on.',
  request_too_large: 'This is too long to be sent.',
  same_password: 'This is the password you have now.',
  session_not_found: 'You are signed out. Sign in again to go on.',
  single_identity_not_deletable: 'This is your only way to sign in. Choose a password first.',
  sso_domain_unverified: WORDS.sso_domain_unverified,
  sso_enforced: 'Your organization lets its people in by its identity provider only, so this address stays.',
  sso_failed: 'Your organization’s identity provider did not vouch for you, or its answer could not be trusted. Tell whoever runs it if it stays so.',
  sso_not_in_plan: 'The plan of your organization holds no single sign-on now. Sign in with your password.',
  sso_provider_not_found: 'No organization here signs people in by this address. Sign in another way, or ask whoever runs your organization.',
  sso_required: WORDS.sso_required,
  too_many_enrolled_mfa_factors: 'There are too many already. Remove one first.',
  unexpected_failure: LEFT,
  user_already_exists: 'There is an account with this e-mail. Sign in instead.',
  user_banned: 'This account is closed.',
  user_erased: 'This account is erased.',
  user_not_found: 'There is no such account any more.',
  validation_failed: LEFT,
  weak_password: 'Choose a longer or less common password.',
};

/** What to tell of a refusal of sign-in; null: the page knows best. */
export function authWords(code: string | null): string | null {
  return code !== null && Object.hasOwn(AUTH_WORDS, code) ? AUTH_WORDS[code as AuthCode] : null;
}

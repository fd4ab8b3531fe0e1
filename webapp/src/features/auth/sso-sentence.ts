const SENTENCES: Record<string, string> = {
  sso_provider_not_found: 'No organization here signs people in by this address. Sign in another way, or ask whoever runs your organization.',
  sso_domain_unverified: 'Your organization has not shown that the domain of this address is its own. Tell whoever runs it.',
  sso_failed: 'Your organization’s identity provider did not vouch for you, or its answer could not be trusted. Tell whoever runs it if it stays so.',
  sso_required: 'Your organization lets you in by its own sign-in only.',
  sso_not_in_plan: 'The plan of your organization holds no single sign-on now. Sign in with your password.',
  bad_oauth_state: 'This took longer than ten minutes, or was begun in another browser. Begin again.',
  flow_state_not_found: 'This took too long, or was used before. Begin again.',
  flow_state_expired: 'This took too long. Begin again.',
  bad_code_verifier: 'This was begun in another tab. Begin again.',
  identity_taken: 'Your organization’s identity provider knows another account of yours. Tell whoever runs it.',
  plan_limit_reached: 'Your organization’s plan has no place left for you. Tell whoever runs it.',
  user_banned: 'This account is closed.',
  signup_disabled: 'New accounts are closed here.',
  over_request_rate_limit: 'Too many tries. Wait a minute and try again.',
};

/** What to tell someone whom single sign-on did not let in; decided by the code, never by the message. */
export function ssoSentence(code: string | null): string {
  return SENTENCES[code ?? ''] ?? 'Single sign-on did not work. Begin again, or sign in another way.';
}

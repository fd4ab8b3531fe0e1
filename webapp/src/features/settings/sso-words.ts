import { ApiProblem } from '@/api/problem';
import { sentenceOf } from '@/lib/errors';

const DNS: Record<string, string> = {
  no_record: 'There is no such record yet. DNS may take up to an hour to show a new one.',
  other_record: 'There is a record of this name, but it says something else.',
  dns_away: 'DNS did not answer. Check again in a moment.',
};
const REASONS: Record<string, string> = {
  unreachable: 'The provider’s server can’t be reached from here, or refused to answer.',
  too_large: 'The provider’s answer is too large.',
  malformed: 'What the provider sent can’t be read.',
  discovery_malformed: 'The discovery document is not one of OpenID Connect.',
  issuer_mismatch: 'The provider names another issuer than the one set up here.',
  code_refused: 'The provider did not take the code: client id, secret or redirect URI are not those it knows.',
  secret_lost: 'The client secret has to be set again.',
  access_denied: 'The provider signed nobody in: access was denied there.',
  provider_error: 'The provider signed nobody in, and gave no reason that is known here.',
  hosted_domain: 'The Google account is not managed by a domain that was proven above.',
  id_token_signature: 'The signature of the ID token is not good.',
  id_token_expired: 'The ID token is too old. Check the clocks.',
  id_token_aud: 'The ID token is for another client.',
  email_missing: 'The provider tells no e-mail address. Let it send one.',
  no_email: 'The provider tells no e-mail address. Let it send one.',
  email_unverified: 'The provider has not verified the address.',
  subject_missing: 'The provider names nobody.',
  name: 'The provider names nobody.',
  name_format: 'The provider names people anew each time. Let it send a persistent name or the e-mail address.',
  sso_domain_unverified: 'The address is not of a domain that was proven above.',
  signature: 'The signature is not of the certificate set up here.',
  unsigned: 'The assertion is not signed. Let the provider sign it.',
  other_provider: 'The metadata is of another provider now: its entity id changed.',
  no_metadata_url: 'Its metadata was not named by an address.',
  plan_limit_reached: 'No host is left in the plan for a newcomer of this role.',
  user_banned: 'The person is banned here.',
  identity_taken: 'The provider’s name of the person belongs to another account here.',
  sso_provider_not_found: 'The connection was off, or changed meanwhile.',
  no_certificate: 'The metadata holds no certificate to check signatures with.',
  certificate: 'The certificate can’t be read.',
  weak_key: 'The provider’s key is too short: RSA takes 2048 bits at least.',
  algorithm: 'The signature uses an algorithm that is no longer safe.',
  encrypted: 'The assertion is encrypted. Turn that off: it comes by TLS.',
  audience: 'The assertion is for another service: check the entity id.',
  recipient: 'The assertion is for another address: check the ACS URL.',
  destination: 'The response is for another address: check the ACS URL.',
  issuer: 'The response is of another provider than the one set up here.',
  in_response_to: 'The response answers another request.',
  unsolicited: 'Signing in begins here, not at the provider.',
  expired: 'The assertion is too old. Check the clocks.',
  not_yet_valid: 'The assertion is of the future. Check the clocks.',
  no_provider: 'The metadata describes no identity provider.',
  several_providers: 'The metadata describes several providers. Take the one of yours.',
  no_redirect_binding: 'The provider has no HTTP-Redirect binding.',
  refused_by_provider: 'The provider signed nobody in.',
  bad_oauth_state: 'It took longer than ten minutes, or ended in another browser.',
  public_mail: 'Anybody may have a mailbox there: nobody can own it.',
  domain_taken: 'Another organization has proven this domain already.',
  other_issuer: 'People are signed in by another issuer here. Set it up there.',
  other_enforced: 'Another connection is enforced. Lift that one first.',
  disabled: 'Turn the connection on first.',
  sso_not_in_plan: 'The plan holds no single sign-on now.',
};

/** Why a domain is not proven, in words. */
export function domainSentence(problem: string | null): string {
  return DNS[problem ?? ''] ?? 'Put this record into the DNS of the domain, then check.';
}

/** What was wrong with a sign-in or a provider, by the reason kept of it: a sentence for whoever set it up. */
export function reasonSentence(reason: string): string {
  return REASONS[reason] ?? `The provider’s answer could not be trusted (${reason}).`;
}

/** What came of a sign-in, by its entry in the audit log. */
export function signInSentence({ action, after }: { action: string; after: Record<string, unknown> | null }): string {
  if (action === 'sso_sign_in.succeeded') return 'Came in.';
  if (action === 'sso_sign_in.tested') return 'The test sign-in worked.';
  const reason = typeof after?.reason === 'string' ? after.reason : 'unknown';
  const domain = typeof after?.domain === 'string' ? ` (${after.domain})` : '';
  const words = `${reasonSentence(reason)}${domain}`;
  return after?.isTest === true ? `Test: ${words}` : words;
}

/** What to tell about a refused change: by its code and reason, else as the server says it. */
export function ssoProblem(error: Error, fallback: string): string {
  if (!(error instanceof ApiProblem)) return sentenceOf(error, fallback);
  if (error.code === 'sso_not_proven') return 'Test it first, in your own name: nobody may be made to use what its owner has not come in by.';
  const { reason } = error.facts;
  if (error.code === 'sso_failed' && typeof reason === 'string') return reasonSentence(reason);
  return typeof reason === 'string' && reason in REASONS ? reasonSentence(reason) : sentenceOf(error, fallback);
}

/** What a test came back with, from the address of the page; null: this is no return. */
export function testOutcome(search: string): { isWorking: boolean; words: string } | null {
  const query = new URLSearchParams(search);
  const sso = query.get('sso');
  if (sso === 'worked') return { isWorking: true, words: 'The test sign-in worked.' };
  if (sso !== 'failed') return null;
  const reason = query.get('reason') ?? query.get('code');
  return { isWorking: false, words: `The test sign-in failed. ${reason === null ? '' : reasonSentence(reason)}`.trim() };
}

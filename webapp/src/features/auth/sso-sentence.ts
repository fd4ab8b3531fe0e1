import { authWords } from '@/api/words';

const SENTENCES: Record<string, string> = {
  sso_domain_unverified: 'Your organization has not shown that the domain of this address is its own. Tell whoever runs it.',
  sso_required: 'Your organization lets you in by its own sign-in only.',
  plan_limit_reached: 'Your organization’s plan has no place left for you. Tell whoever runs it.',
  signup_disabled: 'New accounts are closed here.',
};

/** What to tell someone whom single sign-on did not let in; decided by the code, never by the message. */
export function ssoSentence(code: string | null): string {
  return SENTENCES[code ?? ''] ?? authWords(code) ?? 'Single sign-on did not work. Begin again, or sign in another way.';
}

import { authWords } from '@/api/words';
import { codeOf } from '@/lib/errors';

const SENTENCES: Record<string, string> = {
  email_address_invalid: 'This is not an e-mail address.',
  sso_enforced: 'Your organization lets you in by its own sign-in only, so this stays as it is.',
};

/** What to tell people about a refused change of their account; decided by the code, never by the message. */
export function accountSentence(error: unknown): string {
  return SENTENCES[codeOf(error) ?? ''] ?? authWords(codeOf(error)) ?? 'This did not work. Try again in a moment.';
}

import { useState, type SubmitEvent } from 'react';
import { Link } from 'react-router';
import { auth } from '@/api/auth';
import { Button } from '@/ui/button';
import { TextField } from '@/ui/text-field';
import { AuthFrame, LINK } from './auth-frame';
import { authSentence } from './auth-sentence';

interface Kind {
  title: string;
  lead: string;
  verb: string;
  sent: string;
  send: (email: string) => Promise<{ error: Error | null }>;
}

const KINDS: Record<'recovery' | 'magic', Kind> = {
  recovery: {
    title: 'Forgot your password',
    lead: 'We send a link to your e-mail. It opens a page where you choose a new one.',
    verb: 'Send the link',
    sent: 'If there is an account with this address, the link is on its way. It is good for an hour, once.',
    send: (email) => auth.resetPasswordForEmail(email, { redirectTo: `${location.origin}/sign-in/callback?next=/sign-in/new-password` }),
  },
  magic: {
    title: 'Sign in by e-mail',
    lead: 'We send a link to your e-mail. Opening it signs you in, without a password.',
    verb: 'Send the link',
    sent: 'If there is an account with this address, the link is on its way. It is good for an hour, once.',
    send: (email) =>
      auth.signInWithOtp({ email, options: { shouldCreateUser: false, emailRedirectTo: `${location.origin}/sign-in/callback` } }),
  },
};

/** Ask for a mail with a link: to choose a new password, or to sign in without one. */
export function MailLinkPage({ kind }: { kind: 'recovery' | 'magic' }) {
  const { title, lead, verb, sent, send } = KINDS[kind];
  const [email, setEmail] = useState('');
  const [problem, setProblem] = useState<string | null>(null);
  const [isBusy, setBusy] = useState(false);
  const [isSent, setSent] = useState(false);

  async function submit(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    setProblem(null);
    setBusy(true);
    const { error } = await send(email.trim());
    setBusy(false);
    if (error) setProblem(authSentence(error, 'The link was not sent. Try again in a moment.'));
    else setSent(true);
  }

  return (
    <AuthFrame
      title={title}
      lead={isSent ? sent : lead}
      below={
        <p>
          <Link to="/sign-in" className={LINK}>
            Back to sign in
          </Link>
        </p>
      }
    >
      {!isSent && (
        <form onSubmit={submit} className="grid gap-3.5">
          <TextField
            label="E-mail"
            type="email"
            autoComplete="username"
            required
            autoFocus
            value={email}
            error={problem}
            onChange={(event) => setEmail(event.target.value)}
            data-testid="mail-link-email"
          />
          <Button type="submit" look="primary" size="lg" isBusy={isBusy} data-testid="mail-link-submit">
            {verb}
          </Button>
        </form>
      )}
    </AuthFrame>
  );
}

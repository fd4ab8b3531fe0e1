import { useState, type SubmitEvent } from 'react';
import { Link, Navigate, useLocation } from 'react-router';
import { leaveForSso } from '@/api/sso';
import { codeOf } from '@/lib/errors';
import { Button } from '@/ui/button';
import { TextField } from '@/ui/text-field';
import { AuthFrame, LINK } from './auth-frame';
import { destinationOf } from './destination';
import { useSession } from './session';
import { ssoSentence } from './sso-sentence';
import { domainOf } from './work-address';

/** `/sign-in/sso`: by the work address on to the organization's identity provider. Only its domain is sent. */
export function SsoPage() {
  const session = useSession();
  const state: unknown = useLocation().state;
  const [address, setAddress] = useState('');
  const [problem, setProblem] = useState<string | null>(null);
  const [isBusy, setBusy] = useState(false);
  if (session.status === 'in') return <Navigate to={destinationOf(state)} replace />;

  async function submit(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    const domain = domainOf(address);
    if (domain === null) {
      setProblem('This is not an e-mail address.');
      return;
    }
    setProblem(null);
    setBusy(true);
    const error = await leaveForSso({ domain }, destinationOf(state));
    // Without an error the page is on its way out: the button stays busy.
    if (!error) return;
    setBusy(false);
    setProblem(ssoSentence(codeOf(error)));
  }

  return (
    <AuthFrame
      title="Single sign-on"
      lead="Type your work address. Its domain tells which identity provider you sign in at."
      below={
        <p>
          <Link to="/sign-in" state={state} className={LINK}>
            Sign in another way
          </Link>
        </p>
      }
    >
      <form onSubmit={submit} className="grid gap-3.5" noValidate>
        <TextField
          label="Work e-mail"
          type="email"
          autoComplete="username"
          autoFocus
          required
          value={address}
          error={problem}
          onChange={(event) => setAddress(event.target.value)}
          data-testid="sso-email"
        />
        <Button type="submit" look="primary" size="lg" isBusy={isBusy} disabled={address.trim() === ''} data-testid="sso-submit">
          Continue
        </Button>
      </form>
    </AuthFrame>
  );
}

import { useState } from 'react';
import { Link, Navigate, useLocation } from 'react-router';
import { auth } from '@/api/auth';
import { Button } from '@/ui/button';
import { AuthFrame, LINK } from './auth-frame';
import { CredentialsForm } from './credentials-form';
import { DemoPanel } from './demo-panel';
import { destinationOf } from './destination';
import { useSession } from './session';

/** Sign in, or make an account. */
export function SignInPage({ mode }: { mode: 'sign-in' | 'sign-up' }) {
  const session = useSession();
  const state: unknown = useLocation().state;
  const from = destinationOf(state);
  const [demo, setDemo] = useState<{ path: string; isEager: boolean } | null>(null);
  const [mailedTo, setMailedTo] = useState<string | null>(null);
  if (session.status === 'half') return <Navigate to="/sign-in/code" replace state={{ from: demo?.path ?? from }} />;
  if (session.status === 'in') return <Navigate to={demo?.path ?? from} replace state={{ isEager: demo?.isEager === true }} />;
  const isNew = mode === 'sign-up';
  if (mailedTo !== null) return <CheckMail email={mailedTo} onBack={() => setMailedTo(null)} />;
  const isInvited = from.startsWith('/invite/');
  return (
    <AuthFrame
      title={isNew ? 'Create an account' : 'Sign in'}
      lead={
        isInvited
          ? 'You were invited to an organization. The invitation waits until you are in.'
          : isNew
            ? 'One account for every organization you host for or watch.'
            : 'Charts, voice and alerts, as they happen.'
      }
      above={!isNew && !isInvited && <DemoPanel onChoice={(path, isEager) => setDemo({ path, isEager })} />}
      below={
        <>
          {!isNew && (
            <p>
              <Link to="/sign-in/sso" state={state} className={LINK} data-testid="to-sso">
                Sign in with single sign-on
              </Link>
            </p>
          )}
          <p>
            {isNew ? 'Already have an account? ' : 'New here? '}
            <Link to={isNew ? '/sign-in' : '/sign-up'} state={state} className={LINK} data-testid={isNew ? 'to-sign-in' : 'to-sign-up'}>
              {isNew ? 'Sign in' : 'Create an account'}
            </Link>
          </p>
        </>
      }
    >
      <CredentialsForm key={mode} mode={mode} onMailSent={setMailedTo} />
    </AuthFrame>
  );
}

/** The account waits for its address to be confirmed. */
function CheckMail({ email, onBack }: { email: string; onBack: () => void }) {
  const [isAgain, setAgain] = useState(false);

  async function send(): Promise<void> {
    setAgain(true);
    await auth.resend({ type: 'signup', email, options: { emailRedirectTo: `${location.origin}/sign-in/callback` } });
  }

  return (
    <AuthFrame
      title="Check your mail"
      lead={
        <>
          We sent a link to <b>{email}</b>. Open it to confirm the address; it signs you in.
        </>
      }
      below={
        <p>
          <button type="button" className={LINK} onClick={onBack}>
            Use another address
          </button>
        </p>
      }
    >
      <Button onClick={send} disabled={isAgain} data-testid="resend">
        {isAgain ? 'Sent again' : 'Send it again'}
      </Button>
    </AuthFrame>
  );
}

import { useState, type SubmitEvent } from 'react';
import { Navigate, useLocation } from 'react-router';
import { auth } from '@/api/auth';
import { Button } from '@/ui/button';
import { TextField } from '@/ui/text-field';
import { AuthFrame, LINK } from './auth-frame';
import { authSentence } from './auth-sentence';
import { destinationOf } from './destination';
import { useSession } from './session';

const DIGITS = 6;

/** After the password: the code of the authenticator. */
export function SecondStepPage() {
  const session = useSession();
  const state: unknown = useLocation().state;
  const [code, setCode] = useState('');
  const [problem, setProblem] = useState<string | null>(null);
  const [isBusy, setBusy] = useState(false);
  if (session.status === 'out') return <Navigate to="/sign-in" replace state={state} />;
  if (session.status === 'in') return <Navigate to={destinationOf(state)} replace />;

  async function submit(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    setProblem(null);
    setBusy(true);
    const { data } = await auth.mfa.listFactors();
    const factor = data?.totp[0];
    const { error } = factor
      ? await auth.mfa.challengeAndVerify({ factorId: factor.id, code: code.replace(/\s/g, '') })
      : { error: new Error('no factor') };
    setBusy(false);
    if (error) setProblem(authSentence(error, 'This code is not right, or its half minute is over.'));
  }

  return (
    <AuthFrame
      title="One more step"
      lead="Your account is protected by an authenticator app. Type the code it shows now."
      below={
        <p>
          Not you?{' '}
          <button type="button" className={LINK} onClick={() => void auth.signOut({ scope: 'local' })}>
            Sign out
          </button>
        </p>
      }
    >
      <form onSubmit={submit} className="grid gap-3.5">
        <TextField
          label="Code"
          inputMode="numeric"
          autoComplete="one-time-code"
          autoFocus
          required
          maxLength={DIGITS + 1}
          value={code}
          error={problem}
          onChange={(event) => setCode(event.target.value)}
          data-testid="second-step-code"
        />
        <Button
          type="submit"
          look="primary"
          size="lg"
          isBusy={isBusy}
          disabled={code.replace(/\s/g, '').length < DIGITS}
          data-testid="second-step-submit"
        >
          Continue
        </Button>
      </form>
    </AuthFrame>
  );
}

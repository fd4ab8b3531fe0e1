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
const RECOVERY_LENGTH = 16;

/** After the password: the code of the authenticator, or a recovery code in its place. */
export function SecondStepPage() {
  const session = useSession();
  const state: unknown = useLocation().state;
  const [code, setCode] = useState('');
  const [isRecovery, setRecovery] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const [isBusy, setBusy] = useState(false);
  if (session.status === 'out') return <Navigate to="/sign-in" replace state={state} />;
  if (session.status === 'in') return <Navigate to={destinationOf(state)} replace />;

  const typed = code.replace(/[\s-]/g, '');

  async function submit(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    setProblem(null);
    setBusy(true);
    const error = isRecovery ? await verifyRecovery(typed) : await verifyFactor(typed);
    setBusy(false);
    if (error) setProblem(isRecovery ? recoverySentence(error) : authSentence(error, 'This code is not right, or its half minute is over.'));
  }

  function change(): void {
    setRecovery(!isRecovery);
    setCode('');
    setProblem(null);
  }

  return (
    <AuthFrame
      title="One more step"
      lead={
        isRecovery
          ? 'Type one of the recovery codes you kept. It works once.'
          : 'Your account is protected by an authenticator app. Type the code it shows now.'
      }
      below={
        <>
          <p>
            <button type="button" className={LINK} onClick={change} data-testid="second-step-other">
              {isRecovery ? 'Use the authenticator app' : 'Use a recovery code'}
            </button>
          </p>
          <p>
            Not you?{' '}
            <button type="button" className={LINK} onClick={() => void auth.signOut({ scope: 'local' })}>
              Sign out
            </button>
          </p>
        </>
      }
    >
      <form onSubmit={submit} className="grid gap-3.5">
        <TextField
          key={isRecovery ? 'recovery' : 'app'}
          label={isRecovery ? 'Recovery code' : 'Code'}
          inputMode={isRecovery ? 'text' : 'numeric'}
          autoComplete={isRecovery ? 'off' : 'one-time-code'}
          autoCapitalize="none"
          spellCheck={false}
          autoFocus
          required
          maxLength={isRecovery ? 2 * RECOVERY_LENGTH : DIGITS + 1}
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
          disabled={typed.length < (isRecovery ? RECOVERY_LENGTH : DIGITS)}
          data-testid="second-step-submit"
        >
          Continue
        </Button>
      </form>
    </AuthFrame>
  );
}

async function verifyFactor(code: string): Promise<Error | null> {
  const { data } = await auth.mfa.listFactors();
  const factor = data?.totp[0];
  if (!factor) return new Error('no factor');
  return (await auth.mfa.challengeAndVerify({ factorId: factor.id, code })).error;
}

async function verifyRecovery(code: string): Promise<Error | null> {
  return (await auth.mfa.recoveryCodes.verify({ code })).error;
}

/** A recovery code has no half minute: what is wrong with it is that it is wrong, or used. */
function recoverySentence(error: Error): string {
  if ('code' in error && error.code === 'mfa_verification_failed') return 'This code is not right, or it was used before.';
  return authSentence(error, 'This did not work. Try again in a moment.');
}

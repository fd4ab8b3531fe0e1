import { useState, type SubmitEvent } from 'react';
import { Navigate, useNavigate } from 'react-router';
import { auth } from '@/api/auth';
import { MIN_PASSWORD } from '@/lib/passwords';
import { Button } from '@/ui/button';
import { TextField } from '@/ui/text-field';
import { AuthFrame } from './auth-frame';
import { authSentence } from './auth-sentence';
import { useSession } from './session';


/** Where the link of a forgotten password leads: signed in by it, one chooses a new password. */
export function NewPasswordPage() {
  const session = useSession();
  const navigate = useNavigate();
  const [password, setPassword] = useState('');
  const [problem, setProblem] = useState<string | null>(null);
  const [isBusy, setBusy] = useState(false);
  if (session.status === 'out') return <Navigate to="/sign-in" replace />;

  async function submit(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    if (password.length < MIN_PASSWORD) {
      setProblem(`Use at least ${MIN_PASSWORD} characters for the password.`);
      return;
    }
    setBusy(true);
    const { error } = await auth.updateUser({ password });
    setBusy(false);
    if (error) setProblem(authSentence(error, 'The password was not changed. Ask for a new link.'));
    else void navigate('/', { replace: true });
  }

  return (
    <AuthFrame title="A new password" lead="Choose it now; the link that brought you here is used up.">
      <form onSubmit={submit} className="grid gap-3.5">
        <TextField
          label="New password"
          type="password"
          autoComplete="new-password"
          autoFocus
          required
          value={password}
          error={problem}
          hint={`At least ${MIN_PASSWORD} characters.`}
          onChange={(event) => setPassword(event.target.value)}
          data-testid="new-password"
        />
        <Button type="submit" look="primary" size="lg" isBusy={isBusy} data-testid="new-password-submit">
          Save and go on
        </Button>
      </form>
    </AuthFrame>
  );
}

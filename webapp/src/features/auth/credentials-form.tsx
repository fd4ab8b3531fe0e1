import { useState, type SubmitEvent } from 'react';
import { Link } from 'react-router';
import { auth } from '@/api/auth';
import { MIN_PASSWORD } from '@/lib/passwords';
import { Button } from '@/ui/button';
import { TextField } from '@/ui/text-field';
import { authSentence } from './auth-sentence';


interface CredentialsFormProps {
  mode: 'sign-in' | 'sign-up';
  /** The account is made, and waits until its address is confirmed. */
  onMailSent: (email: string) => void;
}

/** E-mail and password; for a new account also the name others will see. The session store notices the success. */
export function CredentialsForm({ mode, onMailSent }: CredentialsFormProps) {
  const isNew = mode === 'sign-up';
  const [name, setName] = useState('');
  const [email, setEmail] = useState('');
  const [password, setPassword] = useState('');
  const [problem, setProblem] = useState<string | null>(null);
  const [isBusy, setBusy] = useState(false);

  async function submit(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    if (isNew && password.length < MIN_PASSWORD) {
      setProblem(`Use at least ${MIN_PASSWORD} characters for the password.`);
      return;
    }
    setProblem(null);
    setBusy(true);
    const credentials = { email: email.trim(), password };
    const displayName = name.trim();
    const { data, error } = isNew
      ? await auth.signUp({ ...credentials, options: { emailRedirectTo: `${location.origin}/sign-in/callback`, data: { display_name: displayName, displayName, name: displayName } } })
      : await auth.signInWithPassword(credentials);
    setBusy(false);
    if (error) setProblem(authSentence(error, isNew ? 'No account was made. Check the address and the password.' : 'Signing in did not work. Try again in a moment.'));
    else if (!data.session) onMailSent(credentials.email);
  }

  return (
    <form onSubmit={submit} className="grid gap-3.5">
      {isNew && (
        <TextField
          label="Name"
          hint="Others see this in the room."
          autoComplete="name"
          autoFocus
          required
          maxLength={80}
          value={name}
          onChange={(event) => setName(event.target.value)}
          data-testid="sign-up-name"
        />
      )}
      <TextField
        label="E-mail"
        type="email"
        autoComplete="username"
        required
        autoFocus={!isNew}
        value={email}
        onChange={(event) => setEmail(event.target.value)}
        data-testid={isNew ? 'sign-up-email' : 'sign-in-email'}
      />
      <TextField
        label="Password"
        type="password"
        autoComplete={isNew ? 'new-password' : 'current-password'}
        required
        value={password}
        error={problem}
        onChange={(event) => setPassword(event.target.value)}
        {...(isNew && { hint: `At least ${MIN_PASSWORD} characters.` })}
        data-testid={isNew ? 'sign-up-password' : 'sign-in-password'}
      />
      {!isNew && (
        <p className="-mt-2 flex justify-between text-xs text-ink-2">
          <Link to="/sign-in/forgot" className="touchable underline decoration-ink-3 underline-offset-2 hover:text-ink" data-testid="to-forgot">
            Forgot your password
          </Link>
          <Link to="/sign-in/link" className="touchable underline decoration-ink-3 underline-offset-2 hover:text-ink" data-testid="to-link">
            Sign in by e-mail
          </Link>
        </p>
      )}
      <Button
        type="submit"
        look="primary"
        size="lg"
        isBusy={isBusy}
        className="mt-1"
        data-testid={isNew ? 'sign-up-submit' : 'sign-in-submit'}
      >
        {isNew ? 'Create account' : 'Sign in'}
      </Button>
    </form>
  );
}

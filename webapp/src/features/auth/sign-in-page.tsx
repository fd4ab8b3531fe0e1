import { useState } from 'react';
import { Link, Navigate, useLocation } from 'react-router';
import { Mark } from '@/ui/marks';
import { CredentialsForm } from './credentials-form';
import { DemoPanel } from './demo-panel';
import { useSession } from './session';

/** Where someone wanted to go before they had to sign in. */
function destinationOf(state: unknown): string {
  if (typeof state === 'object' && state !== null && 'from' in state && typeof state.from === 'string') return state.from;
  return '/';
}

/** Sign in, or make an account. */
export function SignInPage({ mode }: { mode: 'sign-in' | 'sign-up' }) {
  const session = useSession();
  const state: unknown = useLocation().state;
  const from = destinationOf(state);
  const [demo, setDemo] = useState<{ path: string; isEager: boolean } | null>(null);
  if (session.status === 'in') return <Navigate to={demo?.path ?? from} replace state={{ isEager: demo?.isEager === true }} />;
  const isNew = mode === 'sign-up';
  const isInvited = from.startsWith('/invite/');
  return (
    <main className="grid min-h-full place-items-center bg-canvas p-4">
      <div className="w-full max-w-90">
        <div className="mb-5 flex items-center gap-2.5">
          <Mark size={26} />
          <span className="text-lg font-semibold">Trading room</span>
        </div>
        {!isNew && !isInvited && <DemoPanel onChoice={(path, isEager) => setDemo({ path, isEager })} />}
        <section className="rounded-3 border border-line bg-surface p-5">
          <h1 className="text-xl font-semibold">{isNew ? 'Create an account' : 'Sign in'}</h1>
          <p className="mt-1 mb-4 text-ink-2">
            {isInvited
              ? 'You were invited to an organization. The invitation waits until you are in.'
              : isNew
                ? 'One account for every organization you host for or watch.'
                : 'Charts, voice and alerts, as they happen.'}
          </p>
          <CredentialsForm key={mode} mode={mode} />
        </section>
        <p className="mt-4 text-center text-ink-2">
          {isNew ? 'Already have an account? ' : 'New here? '}
          <Link
            to={isNew ? '/sign-in' : '/sign-up'}
            state={state}
            className="font-medium text-ink underline decoration-ink-3 underline-offset-2"
            data-testid={isNew ? 'to-sign-in' : 'to-sign-up'}
          >
            {isNew ? 'Sign in' : 'Create an account'}
          </Link>
        </p>
      </div>
    </main>
  );
}

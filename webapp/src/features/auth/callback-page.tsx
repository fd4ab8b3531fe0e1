import { useEffect, useState } from 'react';
import { Link, Navigate, useSearchParams } from 'react-router';
import { auth } from '@/api/auth';
import { Spinner } from '@/ui/spinner';
import { AuthFrame, LINK } from './auth-frame';
import { parseCallback } from './callback';

/**
 * Where links in mails lead: the server has checked the link and sent the session in the address's fragment, which no server
 * and no log ever sees.
 */
export function CallbackPage() {
  const [query] = useSearchParams();
  const [answer] = useState(() => parseCallback(location.hash, location.search));
  const [outcome, setOutcome] = useState<'waiting' | 'in' | 'failed'>(answer.kind === 'failed' ? 'failed' : 'waiting');
  useEffect(() => {
    // The tokens must not stay in the address bar or in the history.
    history.replaceState(history.state, '', location.pathname);
    if (answer.kind === 'done') setOutcome('in');
    if (answer.kind !== 'session') return;
    auth.setSession({ access_token: answer.accessToken, refresh_token: answer.refreshToken }).then(
      ({ error }) => setOutcome(error ? 'failed' : 'in'),
      () => setOutcome('failed'),
    );
  }, [answer]);
  const next = query.get('next') ?? '/';
  if (outcome === 'in') return <Navigate to={isOwnPath(next) ? next : '/'} replace />;
  if (outcome === 'waiting') {
    return (
      <main className="grid h-full place-items-center bg-canvas">
        <span className="late">
          <Spinner size={20} />
        </span>
      </main>
    );
  }
  return (
    <AuthFrame
      title="This link does not work"
      lead="It was used before, or it is older than an hour. Ask for a new one; only the newest works."
      below={
        <p>
          <Link to="/sign-in" className={LINK}>
            Back to sign in
          </Link>
        </p>
      }
    />
  );
}

/** Only our own pages: a link must not carry people elsewhere. */
function isOwnPath(path: string): boolean {
  return path.startsWith('/') && !path.startsWith('//') && !path.includes('\\');
}

import { useEffect, useState } from 'react';
import { Link, Navigate, useSearchParams } from 'react-router';
import { auth } from '@/api/auth';
import { finishSso } from '@/api/sso';
import { codeOf } from '@/lib/errors';
import { Spinner } from '@/ui/spinner';
import { AuthFrame, LINK } from './auth-frame';
import { parseCallback, type Callback } from './callback';
import { ssoSentence } from './sso-sentence';

/** failed: with the code of the refusal; null when it carries none. */
type Outcome = { kind: 'waiting' } | { kind: 'in' } | { kind: 'failed'; code: string | null };

/**
 * Where links in mails and identity providers lead: the server has checked them and sent the session in the address's
 * fragment, which no server and no log ever sees, or a code that only this tab can exchange.
 */
export function CallbackPage() {
  const [query] = useSearchParams();
  const [answer] = useState(() => parseCallback(location.hash, location.search));
  const [outcome, setOutcome] = useState<Outcome>(answer.kind === 'failed' ? answer : { kind: 'waiting' });
  // Read once: the address is emptied below.
  const [next] = useState(() => query.get('next') ?? '/');
  const [isSso] = useState(() => query.get('by') === 'sso' || (answer.kind === 'failed' && isOfSso(answer.code)));
  useEffect(() => {
    // Tokens and codes must not stay in the address bar or in the history.
    history.replaceState(history.state, '', location.pathname);
    if (answer.kind === 'failed') return;
    take(answer).then(
      (error) => setOutcome(error ? { kind: 'failed', code: codeOf(error) } : { kind: 'in' }),
      () => setOutcome({ kind: 'failed', code: null }),
    );
  }, [answer]);
  if (outcome.kind === 'in') return <Navigate to={isOwnPath(next) ? next : '/'} replace />;
  if (outcome.kind === 'waiting') {
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
      title={isSso ? 'You are not signed in' : 'This link does not work'}
      lead={isSso ? ssoSentence(outcome.code) : 'It was used before, or it is older than an hour. Ask for a new one; only the newest works.'}
      below={
        <p>
          <Link to={isSso ? '/sign-in/sso' : '/sign-in'} state={{ from: next }} className={LINK}>
            {isSso ? 'Begin again' : 'Back to sign in'}
          </Link>
        </p>
      }
    />
  );
}

/** Exchanges of this page: React mounts it twice while developing, and a code is good once. */
const taken = new Map<string, Promise<Error | null>>();

async function take(answer: Exclude<Callback, { kind: 'failed' }>): Promise<Error | null> {
  if (answer.kind === 'done') return null;
  if (answer.kind === 'session') {
    return (await auth.setSession({ access_token: answer.accessToken, refresh_token: answer.refreshToken })).error;
  }
  const begun = taken.get(answer.code) ?? finishSso(answer.code);
  taken.set(answer.code, begun);
  return begun;
}

/** A way back that was lost on the way says only why. */
function isOfSso(code: string): boolean {
  return code.startsWith('sso_') || code === 'bad_oauth_state';
}

/** Only our own pages: a link must not carry people elsewhere. */
function isOwnPath(path: string): boolean {
  return path.startsWith('/') && !path.startsWith('//') && !path.includes('\\');
}

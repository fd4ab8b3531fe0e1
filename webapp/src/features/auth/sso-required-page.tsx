import { useState } from 'react';
import { leaveForSso } from '@/api/sso';
import { codeOf } from '@/lib/errors';
import { Button } from '@/ui/button';
import { AuthFrame, LINK } from './auth-frame';
import { ssoSentence } from './sso-sentence';

interface SsoRequiredPageProps {
  organizationName: string;
  /** The connection that lets one in. */
  connectionId: string;
  /** The page one wanted to see. */
  next: string;
  /** To the other organizations; null: there are none. */
  onElsewhere: (() => void) | null;
  onSignOut: () => void;
}

/** In the place of an organization that lets its people in by its own sign-in only, for who came another way. */
export function SsoRequiredPage({ organizationName, connectionId, next, onElsewhere, onSignOut }: SsoRequiredPageProps) {
  const [problem, setProblem] = useState<string | null>(null);
  const [isBusy, setBusy] = useState(false);

  async function leave(): Promise<void> {
    setProblem(null);
    setBusy(true);
    const error = await leaveForSso({ providerId: connectionId }, next);
    if (!error) return;
    setBusy(false);
    setProblem(ssoSentence(codeOf(error)));
  }

  return (
    <AuthFrame
      title="Sign in at your organization"
      lead={
        <>
          <b>{organizationName}</b> lets its people in by its own sign-in only, and you came another way. Your account and your other
          organizations are not affected.
        </>
      }
      below={
        <>
          {onElsewhere && (
            <p>
              <button type="button" className={LINK} onClick={onElsewhere} data-testid="sso-elsewhere">
                Go to another organization
              </button>
            </p>
          )}
          <p>
            <button type="button" className={LINK} onClick={onSignOut}>
              Sign out
            </button>
          </p>
        </>
      }
    >
      <div className="grid gap-2" data-testid="sso-required">
        <Button look="primary" size="lg" isBusy={isBusy} onClick={leave} data-testid="sso-continue">
          Continue with single sign-on
        </Button>
        {problem && (
          <p className="text-xs text-live" role="alert">
            {problem}
          </p>
        )}
      </div>
    </AuthFrame>
  );
}

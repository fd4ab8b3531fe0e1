import { LinkBreakIcon } from '@phosphor-icons/react';
import { useEffect, useRef } from 'react';
import { useNavigate, useParams } from 'react-router';
import { sentenceOf } from '@/lib/errors';
import { Button } from '@/ui/button';
import { Spinner } from '@/ui/spinner';
import { Blank } from '@/ui/states';
import { useAcceptInvitation } from './api';

/** `/invite/:code`: take the invitation and go on to the rooms. */
export function AcceptInvitePage() {
  const { code = '' } = useParams();
  const accept = useAcceptInvitation();
  const navigate = useNavigate();
  const hasBegun = useRef(false);

  useEffect(() => {
    // Once, also when React mounts twice: the link may be good for one use.
    if (hasBegun.current) return;
    hasBegun.current = true;
    accept.mutate(code, {
      onSuccess: ({ organization }) => void navigate(`/o/${organization.id}`, { replace: true }),
    });
  }, [accept, code, navigate]);

  return (
    <main className="grid min-h-full place-items-center bg-canvas p-4" data-testid="accept-invite">
      {accept.error ? (
        <Blank
          isPage
          icon={<LinkBreakIcon size={28} />}
          title="This link does not open anything"
          action={<Button onClick={() => navigate('/', { replace: true })}>Go to my rooms</Button>}
        >
          {sentenceOf(accept.error, 'It may be used up or withdrawn. Ask whoever sent it for a new one.')}
        </Blank>
      ) : (
        <p className="flex items-center gap-2 text-ink-2">
          <Spinner /> Joining the organization
        </p>
      )}
    </main>
  );
}

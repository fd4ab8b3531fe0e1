import { LinkBreakIcon, PlugsIcon } from '@phosphor-icons/react';
import { useCallback, useEffect, useRef } from 'react';
import { useNavigate, useParams } from 'react-router';
import { codeOf, sentenceOf } from '@/lib/errors';
import { Button } from '@/ui/button';
import { Spinner } from '@/ui/spinner';
import { Blank } from '@/ui/states';
import { useTitle } from '@/ui/use-title';
import { useAcceptInvitation } from './api';

const TRANSIENT = new Set(['offline', 'unreadable', 'unavailable', 'rate_limited']);

/** `/invite/:code`: take the invitation and go on to the rooms. */
export function AcceptInvitePage() {
  const { code = '' } = useParams();
  const accept = useAcceptInvitation();
  const navigate = useNavigate();
  const hasBegun = useRef(false);
  useTitle('Invitation');

  const take = useCallback(() => {
    accept.mutate(code, {
      onSuccess: ({ organization }) => void navigate(`/o/${organization.id}`, { replace: true }),
    });
  }, [accept, code, navigate]);

  useEffect(() => {
    // Once, also when React mounts twice: the link may be good for one use.
    if (hasBegun.current) return;
    hasBegun.current = true;
    take();
  }, [take]);

  // Not a word about the link: nobody answered, or not now.
  const isAway = accept.error !== null && TRANSIENT.has(codeOf(accept.error) ?? '');
  return (
    <main className="grid min-h-full place-items-center bg-canvas p-4" data-testid="accept-invite">
      {isAway ? (
        <Blank isPage icon={<PlugsIcon size={28} />} title="The invitation was not taken yet" action={<Button look="primary" isBusy={accept.isPending} onClick={take}>Try now</Button>}>
          {sentenceOf(accept.error, 'The server did not answer. The link is as good as before.')}
        </Blank>
      ) : accept.error ? (
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

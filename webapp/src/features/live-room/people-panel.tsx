import { UserMinusIcon } from '@phosphor-icons/react';
import { useState } from 'react';
import type { ParticipantView } from '@/api/generated/signaling';
import { sentenceOf } from '@/lib/errors';
import { Button } from '@/ui/button';
import { Dialog } from '@/ui/dialog';
import { Scroller } from '@/ui/scroller';
import { ParticipantRow } from './participant-row';
import { useRoom, useRoomSession } from './room-context';
import { usePeople } from './use-people';

const RANK = ['owner', 'admin', 'host', 'co_host', 'moderator', 'viewer'];

/** Who is here: those on stage first, then those who watch. */
export function PeoplePanel() {
  const session = useRoomSession();
  const participants = usePeople();
  const facts = useRoom((state) => state.facts);
  const qualities = useRoom((state) => state.qualities);
  const [leaving, setLeaving] = useState<ParticipantView | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const [isBusy, setBusy] = useState(false);

  const sorted = [...participants].sort(
    (a, b) => RANK.indexOf(a.role) - RANK.indexOf(b.role) || a.displayName.localeCompare(b.displayName),
  );
  const onStage = sorted.filter(({ producers }) => (producers ?? []).length > 0);
  const watching = sorted.filter(({ producers }) => (producers ?? []).length === 0);
  const canRemove = (one: ParticipantView): boolean =>
    (facts?.grant.canModerate ?? false) && one.id !== facts?.participantId && one.role !== 'owner';

  async function remove(): Promise<void> {
    if (!leaving) return;
    setBusy(true);
    setProblem(null);
    try {
      await session.removeParticipant(leaving.id);
      setLeaving(null);
    } catch (error) {
      setProblem(sentenceOf(error, 'They are still here. Try again in a moment.'));
    }
    setBusy(false);
  }

  const group = (title: string, people: ParticipantView[], isLineShown = false) =>
    people.length > 0 && (
      <section>
        <h3 className="flex h-8 items-center gap-1.5 px-3 text-xs font-semibold">
          {title} <span className="font-medium text-ink-3">{people.length}</span>
        </h3>
        <ul>
          {people.map((one) => (
            <ParticipantRow
              key={one.id}
              person={one}
              isMe={one.id === facts?.participantId}
              line={qualities[one.id]}
              isLineShown={isLineShown}
              onRemove={canRemove(one) ? () => setLeaving(one) : null}
            />
          ))}
        </ul>
      </section>
    );

  return (
    <Scroller label="People" className="min-h-0 flex-1 overflow-y-auto py-1" data-testid="people">
      {group('On stage', onStage, facts?.grant.canModerate ?? false)}
      {group('Watching', watching)}
      <Dialog
        isOpen={leaving !== null}
        onOpenChange={(isOpen) => !isOpen && setLeaving(null)}
        title={`Remove ${leaving?.displayName ?? ''}?`}
        description="They leave this session at once. Their membership stays."
        footer={
          <>
            <Button look="quiet" onClick={() => setLeaving(null)}>
              Not now
            </Button>
            <Button look="danger-solid" isBusy={isBusy} onClick={remove} data-testid="remove-confirm">
              <UserMinusIcon size={16} /> Remove
            </Button>
          </>
        }
      >
        {problem && (
          <p role="alert" className="text-live">
            {problem}
          </p>
        )}
      </Dialog>
    </Scroller>
  );
}

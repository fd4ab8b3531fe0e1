import { useMemo } from 'react';
import type { ParticipantView, ProducerView } from '@/api/generated/signaling';
import type { RoomState } from '@/realtime/room-store';
import { useRoom } from './room-context';

/** Everyone in the room. What we send ourselves we know sooner than the server tells us. */
export function usePeople(): readonly ParticipantView[] {
  const participants = useRoom((state) => state.participants);
  const local = useRoom((state) => state.local);
  const mine = useRoom((state) => state.facts?.participantId);
  return useMemo(
    () => participants.map((one) => (one.id === mine ? { ...one, producers: ownProducers(local) } : one)),
    [participants, local, mine],
  );
}

function ownProducers(local: RoomState['local']): ProducerView[] {
  return (['microphone', 'camera', 'screen'] as const)
    .filter((source) => local[source].status === 'on' || local[source].status === 'muted')
    .map((source) => ({
      id: `mine-${source}`,
      kind: source === 'microphone' ? 'audio' : 'video',
      source,
      paused: local[source].status === 'muted',
    }));
}

import type { RoomState } from '@/realtime/room-store';

/** Something to look at: a screen or a camera, of someone else or our own. */
export interface Picture {
  /** Stable while it is the same picture. */
  key: string;
  name: string;
  participantId: string;
  source: 'camera' | 'screen';
  track: MediaStreamTrack;
  isMine: boolean;
  /** The voice that goes with it, for the voice bars; null when there is none. */
  voiceId: string | null;
}

export interface Pictures {
  screens: Picture[];
  cameras: Picture[];
}

type Parts = Pick<RoomState, 'tracks' | 'participants' | 'local' | 'facts'>;

/** Everything that can be shown now, in the order people came; our own last, as we know it already. */
export function picturesOf({ tracks, participants, local, facts }: Parts): Pictures {
  const pictures: Picture[] = [];
  for (const person of participants) {
    if (person.id === facts?.participantId) continue;
    const theirs = tracks.filter((track) => track.participantId === person.id);
    const voiceId = theirs.find(({ source }) => source === 'microphone')?.producerId ?? null;
    for (const { producerId, kind, source, track, participantId } of theirs) {
      if (kind !== 'video' || source === 'microphone') continue;
      if (isPaused(person.producers, producerId)) continue;
      pictures.push({ key: producerId, name: person.displayName, participantId, source, track, isMine: false, voiceId });
    }
  }
  const me = participants.find(({ id }) => id === facts?.participantId);
  for (const source of ['screen', 'camera'] as const) {
    const { track } = local[source];
    if (!track || !me) continue;
    pictures.push({ key: `mine-${source}`, name: me.displayName, participantId: me.id, source, track, isMine: true, voiceId: null });
  }
  return {
    screens: pictures.filter(({ source }) => source === 'screen'),
    cameras: pictures.filter(({ source }) => source === 'camera'),
  };
}

function isPaused(producers: { id: string; paused?: boolean }[] | undefined, id: string): boolean {
  return producers?.find((producer) => producer.id === id)?.paused ?? false;
}

import { useMemo } from 'react';
import { picturesOf, type Pictures } from './pictures';
import { useRoom } from './room-context';

export function usePictures(): Pictures {
  const tracks = useRoom((state) => state.tracks);
  const participants = useRoom((state) => state.participants);
  const local = useRoom((state) => state.local);
  const facts = useRoom((state) => state.facts);
  return useMemo(() => picturesOf({ tracks, participants, local, facts }), [tracks, participants, local, facts]);
}

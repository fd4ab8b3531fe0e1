import { useEffect, useRef, useState } from 'react';
import { capture, problemOf } from '@/realtime/capture';
import type { DoorAnswer } from './door';
import { chosenDevice } from './use-devices';

type Kind = 'microphone' | 'camera';

export interface Preview extends DoorAnswer {
  microphoneId: string | null;
  cameraId: string | null;
  /** A sentence about a device that could not be had. */
  problem: string | null;
  toggleMicrophone: () => void;
  toggleCamera: () => void;
  choose: (kind: Kind, id: string) => void;
  /** Hand the tracks over to the room; the preview no longer stops them. */
  take: () => DoorAnswer;
}

const PROBLEMS = {
  blocked: 'The browser blocks it. Allow it beside the address, then press again.',
  missing: 'None was found. Plug one in, then press again.',
  busy: 'Another program uses it. Close it there, then press again.',
  unsupported: 'This browser can’t use it here.',
  dismissed: '',
};

/** Microphone and camera at the door. Both off at first: nobody is seen before they want to be. */
export function usePreview(): Preview {
  const [tracks, setTracks] = useState<DoorAnswer>({ microphone: null, camera: null });
  const [ids, setIds] = useState({ microphone: chosenDevice('microphone'), camera: chosenDevice('camera') });
  const [problem, setProblem] = useState<string | null>(null);
  const held = useRef<DoorAnswer>(tracks);

  function put(kind: Kind, track: MediaStreamTrack | null): void {
    if (held.current[kind] !== track) held.current[kind]?.stop();
    held.current = { ...held.current, [kind]: track };
    setTracks(held.current);
  }

  useEffect(
    () => () => {
      held.current.microphone?.stop();
      held.current.camera?.stop();
    },
    [],
  );

  async function open(kind: Kind, id: string | null): Promise<void> {
    setProblem(null);
    try {
      put(kind, await capture(kind, { microphoneId: id, cameraId: id }));
    } catch (error) {
      put(kind, null);
      setProblem(`${kind === 'camera' ? 'Camera' : 'Microphone'}: ${PROBLEMS[problemOf(error, kind)]}`);
    }
  }

  const toggle = (kind: Kind): void => {
    if (tracks[kind]) put(kind, null);
    else void open(kind, ids[kind]);
  };

  return {
    ...tracks,
    microphoneId: ids.microphone ?? tracks.microphone?.getSettings().deviceId ?? null,
    cameraId: ids.camera ?? tracks.camera?.getSettings().deviceId ?? null,
    problem,
    toggleMicrophone: () => toggle('microphone'),
    toggleCamera: () => toggle('camera'),
    choose: (kind, id) => {
      setIds((last) => ({ ...last, [kind]: id }));
      if (tracks[kind]) void open(kind, id);
    },
    take: () => {
      const taken = held.current;
      held.current = { microphone: null, camera: null };
      return taken;
    },
  };
}

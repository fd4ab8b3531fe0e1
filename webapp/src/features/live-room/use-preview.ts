import { useEffect, useEffectEvent, useRef, useState } from 'react';
import { capture, problemOf } from '@/realtime/capture';
import { chosenDevice } from './use-devices';

type Kind = 'microphone' | 'camera';

/** What is on at the door; null: off. */
export interface DoorAnswer {
  microphone: MediaStreamTrack | null;
  camera: MediaStreamTrack | null;
}

export interface Preview extends DoorAnswer {
  microphoneId: string | null;
  cameraId: string | null;
  /** A sentence about a device that could not be had. */
  problem: string | null;
  toggleMicrophone: () => void;
  toggleCamera: () => void;
  choose: (kind: Kind, id: string) => void;
  /** Hand what is on now over to the room: the preview is off then, and no longer stops it. */
  take: () => DoorAnswer;
}

const PROBLEMS = {
  blocked: 'The browser blocks it. Allow it beside the address, then press again.',
  missing: 'None was found. Plug one in, then press again.',
  busy: 'Another program uses it. Close it there, then press again.',
  unsupported: 'This browser can’t use it here.',
  dismissed: '',
};

const NOTHING: DoorAnswer = { microphone: null, camera: null };

/**
 * Microphone and camera at the door. Both off at first: nobody is seen before they want to be. They can be switched until the room
 * takes them, also while it is being joined, and stay as they are when joining fails.
 */
export function usePreview(): Preview {
  const [tracks, setTracks] = useState(NOTHING);
  const [ids, setIds] = useState({ microphone: chosenDevice('microphone'), camera: chosenDevice('camera') });
  const [problem, setProblem] = useState<string | null>(null);
  const held = useRef(NOTHING);
  // A device that answers after it was switched off again, or after the door is gone, is nobody's any more.
  const asked = useRef({ microphone: 0, camera: 0 });

  function put(kind: Kind, track: MediaStreamTrack | null): void {
    if (held.current[kind] !== track) held.current[kind]?.stop();
    held.current = { ...held.current, [kind]: track };
    setTracks(held.current);
  }

  function handOver(): DoorAnswer {
    const taken = held.current;
    held.current = NOTHING;
    asked.current = { microphone: asked.current.microphone + 1, camera: asked.current.camera + 1 };
    return taken;
  }

  const letGo = useEffectEvent(() => {
    const { microphone, camera } = handOver();
    microphone?.stop();
    camera?.stop();
  });
  useEffect(() => letGo, []);

  async function open(kind: Kind, id: string | null): Promise<void> {
    const turn = ++asked.current[kind];
    setProblem(null);
    try {
      const track = await capture(kind, { microphoneId: id, cameraId: id });
      if (turn === asked.current[kind]) put(kind, track);
      else track.stop();
    } catch (error) {
      if (turn !== asked.current[kind]) return;
      put(kind, null);
      setProblem(`${kind === 'camera' ? 'Camera' : 'Microphone'}: ${PROBLEMS[problemOf(error, kind)]}`);
    }
  }

  const toggle = (kind: Kind): void => {
    if (held.current[kind]) {
      asked.current[kind]++;
      put(kind, null);
    } else void open(kind, ids[kind]);
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
      if (held.current[kind]) void open(kind, id);
    },
    take: () => {
      setTracks(NOTHING);
      return handOver();
    },
  };
}

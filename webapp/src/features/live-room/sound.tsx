import { SpeakerHighIcon } from '@phosphor-icons/react';
import { useEffect, useRef, useState } from 'react';
import { Button } from '@/ui/button';
import { Banner } from '@/ui/states';
import { useRoom } from './room-context';

/** Everyone's voices. Browsers may refuse to play before a click: then one line asks for it. */
export function Sound({ isOff }: { isOff: boolean }) {
  const tracks = useRoom((state) => state.tracks);
  const voices = tracks.filter(({ kind }) => kind === 'audio');
  const [isBlocked, setBlocked] = useState(false);
  const [turn, setTurn] = useState(0);

  return (
    <>
      {voices.map(({ producerId, track }) => (
        <Voice key={producerId} track={track} isOff={isOff} turn={turn} onBlocked={() => setBlocked(true)} />
      ))}
      {isBlocked && voices.length > 0 && (
        <Banner
          testId="audio-blocked"
          tone="warn"
          icon={<SpeakerHighIcon size={18} />}
          action={
            <Button
              size="sm"
              onClick={() => {
                setBlocked(false);
                setTurn((last) => last + 1);
              }}
              data-testid="audio-unlock"
            >
              Click to hear
            </Button>
          }
        >
          <b>No sound yet.</b> The browser waits for a click before it plays any.
        </Banner>
      )}
    </>
  );
}

interface VoiceProps {
  track: MediaStreamTrack;
  isOff: boolean;
  /** Rises when the person clicked: play again. */
  turn: number;
  onBlocked: () => void;
}

function Voice({ track, isOff, turn, onBlocked }: VoiceProps) {
  const ref = useRef<HTMLAudioElement>(null);
  const blocked = useRef(onBlocked);
  useEffect(() => {
    blocked.current = onBlocked;
  });
  useEffect(() => {
    if (ref.current) ref.current.srcObject = new MediaStream([track]);
  }, [track]);
  useEffect(() => {
    ref.current?.play().catch((error: unknown) => {
      if (error instanceof DOMException && error.name === 'NotAllowedError') blocked.current();
    });
  }, [track, turn]);
  return <audio ref={ref} autoPlay muted={isOff} data-testid="voice" />;
}

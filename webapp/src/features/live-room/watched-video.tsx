import { useRef } from 'react';
import type { Picture } from './pictures';
import { useViewing } from './use-viewing';
import { Video } from './video';

interface WatchedVideoProps {
  picture: Picture;
  /** The picture one looks at, not one beside it. */
  isLarge?: boolean;
  fit?: 'contain' | 'cover';
  testId: string;
}

/** A picture of the room. The server is told how large it is and whether it can be seen; our own costs nobody anything. */
export function WatchedVideo({ picture, isLarge = false, fit = 'contain', testId }: WatchedVideoProps) {
  const box = useRef<HTMLDivElement>(null);
  useViewing(box, picture.isMine ? null : picture.key, isLarge);
  const kind = picture.source === 'screen' ? 'Screen' : 'Camera';
  return (
    <div ref={box} className="size-full">
      <Video
        key={picture.key}
        track={picture.track}
        fit={fit}
        isMirrored={picture.isMine && picture.source === 'camera'}
        label={`${kind} of ${picture.name}`}
        testId={testId}
      />
    </div>
  );
}

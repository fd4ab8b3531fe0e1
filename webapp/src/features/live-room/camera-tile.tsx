import { MicrophoneIcon, MicrophoneSlashIcon } from '@phosphor-icons/react';
import { cn } from '@/ui/cn';
import type { Picture } from './pictures';
import { usePeople } from './use-people';
import { Video } from './video';

/** A small camera in the dock. Its caption lies on the camera, never on the chart. */
export function CameraTile({ picture, className }: { picture: Picture; className?: string }) {
  const people = usePeople();
  const microphone = people
    .find(({ id }) => id === picture.participantId)
    ?.producers?.find(({ source }) => source === 'microphone');
  const isHeard = microphone !== undefined && microphone.paused !== true;
  return (
    <figure className={cn('relative overflow-hidden bg-well', className)}>
      <Video
        track={picture.track}
        fit="cover"
        isMirrored={picture.isMine}
        testId="camera-video"
        label={`Camera of ${picture.name}`}
      />
      <figcaption className="absolute bottom-1.5 left-1.5 flex h-5 max-w-[calc(100%-12px)] items-center gap-1.5 rounded-2 bg-surface/85 px-1.75 text-2xs font-medium text-ink max-lg:hidden">
        {isHeard ? <MicrophoneIcon size={12} weight="fill" /> : <MicrophoneSlashIcon size={12} className="text-ink-3" />}
        <span className="truncate">{picture.isMine ? 'You' : picture.name}</span>
      </figcaption>
    </figure>
  );
}

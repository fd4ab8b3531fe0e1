import { MicrophoneIcon, MicrophoneSlashIcon } from '@phosphor-icons/react';
import { cn } from '@/ui/cn';
import { isTrouble } from './connection-level';
import { ConnectionMark } from './connection-mark';
import type { Picture } from './pictures';
import { useRoom } from './room-context';
import { usePeople } from './use-people';
import { WatchedVideo } from './watched-video';

/** A small camera in the dock. Its caption lies on the camera, never on the chart. */
export function CameraTile({ picture, className }: { picture: Picture; className?: string }) {
  const people = usePeople();
  const microphone = people
    .find(({ id }) => id === picture.participantId)
    ?.producers?.find(({ source }) => source === 'microphone');
  const line = useRoom((state) => state.qualities[picture.participantId]);
  const isHeard = microphone !== undefined && microphone.paused !== true;
  return (
    <figure className={cn('relative overflow-hidden bg-well', className)}>
      <WatchedVideo picture={picture} fit="cover" testId="camera-video" />
      <figcaption className="absolute bottom-1.5 left-1.5 flex h-5 max-w-[calc(100%-12px)] items-center gap-1.5 rounded-2 bg-surface/85 px-1.75 text-2xs font-medium text-ink max-lg:hidden">
        {isHeard ? <MicrophoneIcon size={12} weight="fill" /> : <MicrophoneSlashIcon size={12} className="text-ink-3" />}
        <span className="truncate">{picture.isMine ? 'You' : picture.name}</span>
        {!picture.isMine && isTrouble(line) && <ConnectionMark line={line} name={picture.name} side="top" />}
      </figcaption>
    </figure>
  );
}

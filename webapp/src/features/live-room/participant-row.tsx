import { MicrophoneIcon, MicrophoneSlashIcon, ScreencastIcon, UserMinusIcon, VideoCameraIcon } from '@phosphor-icons/react';
import type { ParticipantView } from '@/api/generated/signaling';
import { roleName } from '@/lib/roles';
import { IconButton } from '@/ui/button';
import { cn } from '@/ui/cn';
import { Face } from '@/ui/face';
import { isTrouble, type Line } from './connection-level';
import { ConnectionMark } from './connection-mark';

interface ParticipantRowProps {
  person: ParticipantView;
  isMe: boolean;
  /** Their connection, where it is known. */
  line?: Line | undefined;
  /** Show a good connection too: to who looks after the room, of who is on stage. */
  isLineShown?: boolean;
  /** Null when one may not. */
  onRemove: (() => void) | null;
}

/** A person in the room, what they send, and for moderators the way to remove them. */
export function ParticipantRow({ person, isMe, line, isLineShown = false, onRemove }: ParticipantRowProps) {
  const isAway = person.isConnected === false;
  const producers = person.producers ?? [];
  const microphone = producers.find(({ source }) => source === 'microphone');
  const isMuted = microphone?.paused === true;
  return (
    <li
      data-testid="participant-row"
      data-participant={person.id}
      data-state={isAway ? 'reconnecting' : 'here'}
      className="group flex min-h-10.5 items-center gap-2.5 pr-2 pl-3 hover:bg-hover max-md:min-h-13"
    >
      <Face name={person.displayName} isAway={isAway} />
      <span className="min-w-0 flex-1">
        <span className="block truncate leading-[17px] font-medium">
          {person.displayName}
          {isMe && <span className="font-normal text-ink-3"> (you)</span>}
        </span>
        <span className={cn('block text-xs leading-[15px]', isAway ? 'text-warn' : 'text-ink-3')}>
          {isAway ? 'Reconnecting' : roleName(person.role)}
        </span>
      </span>
      <span className="inline-flex items-center gap-2 pr-1.5 text-ink">
        {line && !isAway && (isLineShown || isTrouble(line)) && <ConnectionMark line={line} name={person.displayName} />}
        {producers.some(({ source }) => source === 'screen') && <ScreencastIcon size={16} weight="fill" aria-label="Shares a screen" />}
        {producers.some(({ source, paused }) => source === 'camera' && !paused) && (
          <VideoCameraIcon size={16} weight="fill" aria-label="Camera on" />
        )}
        {microphone &&
          (isMuted ? (
            <MicrophoneSlashIcon size={16} className="text-ink-3" aria-label="Muted" data-testid="mute-mark" />
          ) : (
            <MicrophoneIcon size={16} weight="fill" aria-label="Microphone on" />
          ))}
      </span>
      {onRemove && (
        <IconButton
          label={`Remove ${person.displayName}`}
          onClick={onRemove}
          data-testid="remove-participant"
          className="opacity-0 group-hover:opacity-100 focus-visible:opacity-100 pointer-coarse:opacity-100"
        >
          <UserMinusIcon size={16} />
        </IconButton>
      )}
    </li>
  );
}

import { ArrowsOutIcon, MonitorIcon, PictureInPictureIcon, VideoCameraIcon, WarningIcon } from '@phosphor-icons/react';
import type { RefObject } from 'react';
import { IconButton } from '@/ui/button';
import { cn } from '@/ui/cn';
import { Spinner } from '@/ui/spinner';
import { Blank } from '@/ui/states';
import { isTrouble, wordsOf } from './connection-level';
import { ConnectionMark } from './connection-mark';
import type { Picture } from './pictures';
import { useRoom } from './room-context';
import { VoiceBars } from './voice-bars';
import { WatchedVideo } from './watched-video';

interface StageProps {
  /** What is large: a screen, or a camera while nobody shares. */
  picture: Picture | null;
  screens: Picture[];
  onPick: (key: string) => void;
  boxRef: RefObject<HTMLDivElement | null>;
}

/** The presenter bar and the picture. Nothing covers the picture. */
export function Stage({ picture, screens, onPick, boxRef }: StageProps) {
  const lostAt = useRoom((state) => state.lostAt);
  return (
    <>
      <PresenterBar picture={picture} screens={screens} onPick={onPick} boxRef={boxRef} />
      <div
        ref={boxRef}
        className="relative grid min-h-0 flex-1 place-items-center bg-well max-md:h-[56.25vw] max-md:max-h-[46dvh] max-md:flex-none"
        data-testid="stage"
      >
        {picture ? (
          <div className={cn('absolute inset-0 transition-opacity duration-(--dur-3)', lostAt !== null && 'opacity-60 delay-[5s]')}>
            <WatchedVideo picture={picture} isLarge testId="stage-video" />
          </div>
        ) : (
          <Nothing />
        )}
      </div>
    </>
  );
}

function PresenterBar({ picture, screens, onPick, boxRef }: StageProps) {
  const line = useRoom((state) => (picture && !picture.isMine ? state.qualities[picture.participantId] : undefined));
  return (
    <div className="flex h-(--bar-presenter) flex-none items-center gap-2 border-b border-line bg-surface pr-1.5 pl-3 text-xs text-ink-2 max-lg:hidden">
      {picture ? (
        <>
          {picture.voiceId && <VoiceBars producerId={picture.voiceId} />}
          <span className="truncate">
            <b className="text-ink">{picture.isMine ? 'You' : picture.name}</b> {picture.isMine ? 'are' : 'is'} presenting
          </span>
          {isTrouble(line) && (
            <span className={cn('flex flex-none items-center gap-1', line.level === 'poor' && 'text-warn')} data-testid="presenter-connection">
              <ConnectionMark line={line} name={picture.name} /> {wordsOf(line)}
            </span>
          )}
        </>
      ) : (
        <span>Nobody presents</span>
      )}
      {screens.length > 1 && (
        <div className="ml-2 flex h-full min-w-0" role="tablist" aria-label="Screens">
          {screens.map((screen) => (
            <button
              key={screen.key}
              type="button"
              role="tab"
              aria-selected={screen.key === picture?.key}
              onClick={() => onPick(screen.key)}
              className={cn(
                'flex h-full min-w-0 items-center gap-1.5 border-l border-line px-2.5 last:border-r focus-visible:-outline-offset-2',
                screen.key === picture?.key ? 'bg-canvas text-ink' : 'text-ink-3 hover:text-ink',
              )}
            >
              <MonitorIcon size={14} className="flex-none" />
              <span className="truncate">{screen.isMine ? 'Your screen' : screen.name}</span>
            </button>
          ))}
        </div>
      )}
      <span className="flex-1" />
      {picture && <PictureTools boxRef={boxRef} />}
    </div>
  );
}

/** Full screen and a window of its own. */
export function PictureTools({ boxRef, size = 'sm' }: { boxRef: RefObject<HTMLDivElement | null>; size?: 'sm' | 'touch' }) {
  const icon = size === 'touch' ? 20 : 16;
  return (
    <>
      {document.pictureInPictureEnabled && (
        <IconButton label="Pop out (P)" size={size} onClick={() => popOut(boxRef.current)}>
          <PictureInPictureIcon size={icon} />
        </IconButton>
      )}
      <IconButton label="Full screen (F)" size={size} onClick={() => toggleFullScreen(boxRef.current)}>
        <ArrowsOutIcon size={icon} />
      </IconButton>
    </>
  );
}

/** The picture in a window of its own, or back from it. */
export function popOut(box: HTMLElement | null): void {
  const video = box?.querySelector('video');
  const change = document.pictureInPictureElement ? document.exitPictureInPicture() : video?.requestPictureInPicture();
  change?.catch(() => undefined);
}

export function toggleFullScreen(box: HTMLElement | null): void {
  const change = document.fullscreenElement ? document.exitFullscreen() : box?.requestFullscreen();
  change?.catch(() => undefined);
}

/** Why there is no picture: still coming, not decodable here, or nobody shares. */
function Nothing() {
  const phase = useRoom((state) => state.phase);
  const participants = useRoom((state) => state.participants);
  const refused = useRoom((state) => state.refusedProducerIds);
  const canPublish = useRoom((state) => state.facts?.grant.canPublish ?? false);
  const videos = participants.flatMap(({ producers }) => producers ?? []).filter(({ kind, paused }) => kind === 'video' && !paused);
  if (phase === 'joining' || videos.some(({ id }) => !refused.includes(id))) {
    return (
      <span className="late flex items-center gap-2 text-ink-2" data-testid="stage-waiting">
        <Spinner size={18} /> {phase === 'joining' ? 'Joining' : 'The picture is on its way'}
      </span>
    );
  }
  if (videos.length > 0) {
    return (
      <Blank testId="stage-refused" icon={<WarningIcon size={28} />} title="This browser can’t show what is shared">
        It lacks the video format in use. Sound, alerts and chat go on. A current Chrome, Edge, Firefox or Safari shows it.
      </Blank>
    );
  }
  return (
    <Blank testId="stage-empty" icon={<VideoCameraIcon size={28} />} title="Nothing is shared yet">
      {canPublish
        ? 'Share your screen to put your chart here. Members see it within a second.'
        : 'The chart appears here by itself. Alerts and chat are open.'}
    </Blank>
  );
}

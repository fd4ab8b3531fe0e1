import { ArrowLeftIcon, DoorOpenIcon, MicrophoneIcon, MicrophoneSlashIcon, VideoCameraIcon, VideoCameraSlashIcon } from '@phosphor-icons/react';
import type { ReactNode } from 'react';
import type { Room } from '@/api/types';
import { ApiProblem } from '@/api/problem';
import { codeOf, sentenceOf } from '@/lib/errors';
import { runningTime } from '@/lib/time';
import { Button, IconButton } from '@/ui/button';
import { Face } from '@/ui/face';
import { LiveBadge } from '@/ui/marks';
import { SelectField } from '@/ui/select-field';
import { Blank, Skeleton } from '@/ui/states';
import { useNow } from '@/ui/use-now';
import { useTitle } from '@/ui/use-title';
import { Video } from './video';
import { rememberDevice, useDevices } from './use-devices';
import { LevelMeter } from './level-meter';
import type { Preview } from './use-preview';

interface DoorProps {
  room: Room | undefined;
  loadError: Error | null;
  myName: string;
  canRun: boolean;
  canPublish: boolean;
  preview: Preview;
  isBusy: boolean;
  /** Why the last try was refused. */
  problem: unknown;
  onJoin: () => void;
  onStart: () => void;
  onBack: () => void;
}

/** Before joining: viewers press once; who may publish looks at the camera and listens to the microphone first. */
export function Door(props: DoorProps) {
  const { room, loadError, canPublish, onBack } = props;
  useTitle(room?.name ?? 'Room');
  if (loadError && !room) {
    return (
      <Frame onBack={onBack}>
        <div className="grid place-items-center py-4">
        <Blank
          isPage
          icon={<DoorOpenIcon size={28} />}
          title={codeOf(loadError) === 'not_found' ? 'There is no such room' : 'The room did not load'}
          requestId={loadError instanceof ApiProblem ? loadError.requestId : null}
          action={<Button onClick={onBack}>Go to my rooms</Button>}
          testId="room-missing"
        >
          {codeOf(loadError) === 'not_found' ? 'It may be in another organization, or gone.' : sentenceOf(loadError, 'We try again in 3 s.')}
        </Blank>
        </div>
      </Frame>
    );
  }
  return <Frame onBack={onBack}>{canPublish ? <PublisherDoor {...props} /> : <ViewerDoor {...props} />}</Frame>;
}

function Frame({ children, onBack }: { children: ReactNode; onBack: () => void }) {
  return (
    <main className="grid min-h-full grid-rows-[auto_1fr] bg-canvas">
      <div className="p-2">
        <IconButton label="Back to the rooms" size="md" onClick={onBack}>
          <ArrowLeftIcon size={18} />
        </IconButton>
      </div>
      <div className="grid place-items-center p-4 pb-16">
        <section className="w-full max-w-175 overflow-hidden rounded-3 border border-line bg-surface" data-testid="door">
          {children}
        </section>
      </div>
    </main>
  );
}

function ViewerDoor(props: DoorProps) {
  return (
    <div className="grid justify-items-center gap-4 px-5 py-7 text-center">
      <Facts room={props.room} role="You join as a viewer, muted." />
      <div className="w-full max-w-90">
        <Actions {...props} />
      </div>
    </div>
  );
}

function PublisherDoor(props: DoorProps) {
  const { preview } = props;
  const devices = useDevices(`${String(preview.microphone !== null)}${String(preview.camera !== null)}`);
  return (
    <div className="grid grid-cols-[300px_1fr] max-md:grid-cols-1">
      <div className="relative grid min-h-52 place-items-center bg-well max-md:aspect-video max-md:max-h-[40dvh] max-md:w-full">
        {preview.camera ? (
          <div className="absolute inset-0">
            <Video track={preview.camera} fit="cover" isMirrored label="Your camera" testId="preview-video" />
          </div>
        ) : (
          <Face name={props.myName} size={72} />
        )}
        <div className="absolute inset-x-0 bottom-3.5 flex justify-center gap-2">
          <Button size="lg" aria-pressed={preview.microphone !== null} onClick={preview.toggleMicrophone} data-testid="preview-mic" aria-label="Microphone">
            {preview.microphone ? <MicrophoneIcon size={18} weight="fill" /> : <MicrophoneSlashIcon size={18} />}
          </Button>
          <Button size="lg" aria-pressed={preview.camera !== null} onClick={preview.toggleCamera} data-testid="preview-camera" aria-label="Camera">
            {preview.camera ? <VideoCameraIcon size={18} weight="fill" /> : <VideoCameraSlashIcon size={18} />}
          </Button>
        </div>
      </div>
      <div className="grid min-w-0 content-start gap-3 p-4">
        <Facts room={props.room} role="You may speak and share. What is off now can be switched on inside." />
        {devices.microphones.length > 0 && (
          <SelectField
            label="Microphone"
            options={devices.microphones}
            value={preview.microphoneId ?? undefined}
            onChange={(event) => {
              rememberDevice('microphone', event.target.value);
              preview.choose('microphone', event.target.value);
            }}
          />
        )}
        {preview.microphone && <LevelMeter track={preview.microphone} />}
        {devices.cameras.length > 0 && (
          <SelectField
            label="Camera"
            options={devices.cameras}
            value={preview.cameraId ?? undefined}
            onChange={(event) => {
              rememberDevice('camera', event.target.value);
              preview.choose('camera', event.target.value);
            }}
          />
        )}
        {preview.problem && (
          <p role="alert" className="text-xs text-warn">
            {preview.problem}
          </p>
        )}
        <Actions {...props} />
      </div>
    </div>
  );
}

function Facts({ room, role }: { room: Room | undefined; role: string }) {
  const now = useNow();
  if (!room) {
    return (
      <div className="grid gap-2">
        <Skeleton className="h-5 w-40" />
        <Skeleton className="h-4 w-56" />
      </div>
    );
  }
  const live = room.liveSession;
  return (
    <div className="max-w-full min-w-0">
      <h1 className="flex flex-wrap items-center gap-2 text-lg font-semibold [[class*=justify-items-center]_&]:justify-center">
        <span className="min-w-0 wrap-anywhere">{room.name}</span>
        {live && <LiveBadge isSmall time={runningTime(now - Date.parse(live.startedAt))} />}
      </h1>
      <p className="mt-0.5 text-xs text-ink-2" data-testid="door-state" data-state={room.state}>
        {live ? `${live.watching} watching. ${role}` : 'Not live now.'}
      </p>
    </div>
  );
}

function Actions({ room, canRun, isBusy, problem, onJoin, onStart }: DoorProps) {
  return (
    <div className="mt-1 grid w-full gap-2.5">
      {!room ? (
        <Skeleton className="h-9 w-full min-w-40 max-md:h-11" />
      ) : room.state === 'live' ? (
        <Button look="primary" size="lg" isBusy={isBusy} onClick={onJoin} data-testid="join-session">
          Join
        </Button>
      ) : canRun ? (
        <Button look="primary" size="lg" isBusy={isBusy} onClick={onStart} data-testid="start-session">
          Start session
        </Button>
      ) : (
        <p className="text-ink-2" data-testid="not-live">
          The door opens by itself when the host starts.
        </p>
      )}
      {problem !== null && <Refusal problem={problem} />}
    </div>
  );
}

function Refusal({ problem }: { problem: unknown }) {
  const isFull = codeOf(problem) === 'plan_limit_reached';
  return (
    <p role="alert" data-testid="join-problem" data-code={codeOf(problem)} className={isFull ? 'text-warn' : 'text-live'}>
      {isFull ? <b>This room is full. </b> : null}
      {isFull ? 'Every seat is taken. Try again when someone leaves.' : sentenceOf(problem, 'The room did not open. Try again in a moment.')}
    </p>
  );
}

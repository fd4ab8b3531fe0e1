import {
  MicrophoneIcon,
  MicrophoneSlashIcon,
  ScreencastIcon,
  SpeakerHighIcon,
  SpeakerSlashIcon,
  VideoCameraIcon,
  VideoCameraSlashIcon,
} from '@phosphor-icons/react';
import { useState } from 'react';
import type { LocalMedia } from '@/realtime/room-store';
import { Button } from '@/ui/button';
import { LeaveControl } from './leave-control';
import { useRoom, useRoomSession } from './room-context';
import { SourceButton, type SourceLook } from './source-button';
import { chosenDevice, rememberDevice, useDevices } from './use-devices';

interface ControlBarProps {
  isSoundOff: boolean;
  onToggleSound: () => void;
  onLeave: () => void;
  onEnd: () => Promise<unknown>;
}

/** Left what I send, right the way out. Who only watches gets the sound switch instead. */
export function ControlBar({ isSoundOff, onToggleSound, onLeave, onEnd }: ControlBarProps) {
  const grant = useRoom((state) => state.facts?.grant);
  return (
    <div
      role="toolbar"
      aria-label="Call controls"
      className="pad-safe-bottom flex min-h-(--bar-control) flex-none items-center gap-1.5 border-t border-line bg-surface px-3 max-md:min-h-16 max-md:justify-between max-md:px-2"
    >
      {grant?.canPublish && <Sources />}
      <Button size="lg" onClick={onToggleSound} aria-pressed={!isSoundOff} data-testid="toggle-sound" className="h-9.5! max-md:h-12!">
        {isSoundOff ? <SpeakerSlashIcon size={19} /> : <SpeakerHighIcon size={19} />}
        <span className={grant?.canPublish ? 'max-xl:sr-only' : ''}>{isSoundOff ? 'Sound off' : 'Sound'}</span>
      </Button>
      <span className="flex-1 max-md:hidden" />
      <LeaveControl canEnd={grant?.canEnd ?? false} onLeave={onLeave} onEnd={onEnd} />
    </div>
  );
}

function Sources() {
  const session = useRoomSession();
  const { microphone, camera, screen } = useRoom((state) => state.local);
  const devices = useDevices(`${microphone.status}${camera.status}`);
  const [microphoneId, setMicrophoneId] = useState(chosenDevice('microphone'));
  const [cameraId, setCameraId] = useState(chosenDevice('camera'));
  const isMicOn = microphone.status === 'on';
  const isCameraOn = camera.status === 'on';
  return (
    <>
      <SourceButton
        testId="toggle-mic"
        media={microphone}
        look={lookOf(microphone, 'off')}
        icon={isMicOn ? <MicrophoneIcon size={19} weight="fill" /> : <MicrophoneSlashIcon size={19} />}
        word={microphone.problem ? problemWord(microphone) : isMicOn ? 'Mute' : 'Muted'}
        action={isMicOn ? 'Mute the microphone' : 'Speak: microphone on'}
        shortcut="M"
        onPress={() => void session.local.toggleMicrophone()}
        options={{
          label: 'Microphone',
          value: microphoneId ?? 'default',
          choices: devices.microphones,
          onChange: (id) => {
            setMicrophoneId(id);
            rememberDevice('microphone', id);
            session.local.choose({ microphoneId: id });
            void session.local.exchange('microphone');
          },
        }}
      />
      <SourceButton
        testId="toggle-camera"
        media={camera}
        look={lookOf(camera, 'off')}
        icon={isCameraOn ? <VideoCameraIcon size={19} weight="fill" /> : <VideoCameraSlashIcon size={19} />}
        word={camera.problem ? problemWord(camera) : isCameraOn ? 'Camera' : 'Camera off'}
        action={isCameraOn ? 'Switch the camera off' : 'Switch the camera on'}
        shortcut="V"
        onPress={() => void session.local.toggleCamera()}
        options={{
          label: 'Camera',
          value: cameraId ?? 'default',
          choices: devices.cameras,
          onChange: (id) => {
            setCameraId(id);
            rememberDevice('camera', id);
            session.local.choose({ cameraId: id });
            void session.local.exchange('camera');
          },
        }}
      />
      <SourceButton
        testId="toggle-screen"
        media={screen}
        look={lookOf(screen, 'rest')}
        icon={<ScreencastIcon size={19} weight={screen.status === 'on' ? 'fill' : 'regular'} />}
        word={screen.problem ? problemWord(screen) : screen.status === 'on' ? 'Sharing' : 'Share'}
        action={screen.status === 'on' ? 'Stop sharing the screen' : 'Share a screen or window'}
        shortcut="S"
        onPress={() => void session.local.toggleScreen()}
      />
    </>
  );
}

function lookOf(media: LocalMedia, whenOff: SourceLook): SourceLook {
  if (media.problem) return 'blocked';
  if (media.status === 'starting') return 'rest';
  if (media.status === 'on') return whenOff === 'rest' ? 'filled' : 'rest';
  return whenOff;
}

function problemWord({ problem }: LocalMedia): string {
  if (problem === 'missing') return 'Not found';
  return problem === 'busy' ? 'In use' : 'Blocked';
}

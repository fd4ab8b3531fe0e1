import type { Device } from 'mediasoup-client';
import { Activity, useEffect, useEffectEvent, useRef, useState } from 'react';
import { flushSync } from 'react-dom';
import { useStore } from 'zustand';
import { tokens } from '@/api/auth';
import { prepareDevice } from '@/realtime/prepared-device';
import { RoomSession } from '@/realtime/room-session';
import { joinRoom, startRoom, useDoor, useEndRoom } from './api';
import { Door } from './door';
import { EndedView } from './ended-view';
import { RoomSessionProvider } from './room-context';
import { RoomView, type RoomPanels } from './room-view';
import { chosenDevice } from './use-devices';
import { usePreview, type DoorAnswer } from './use-preview';
import { codeOf } from '@/lib/errors';

/** Where signaling is, as the page was told; a join's answer has the last word. */
const SIGNALING_URL = document.querySelector<HTMLMetaElement>('meta[name="signaling-url"]')?.content ?? null;

/** A room whose welcome takes longer is shown without it. */
const SHOW_AFTER_MS = 400;

interface RoomPageProps {
  organizationId: string;
  roomId: string;
  organizationName: string;
  myName: string;
  canRun: boolean;
  canPublish: boolean;
  /** Alerts and chat are features of their own; the route puts them in. */
  makePanels: (session: RoomSession) => RoomPanels;
  /** Go in without a stop at the door, as soon as the session runs. */
  isEager: boolean;
  onBack: () => void;
}

/** A room from its door to its end. To who is no member it does not exist: the API says so, and so does the door. */
export function RoomPage(props: RoomPageProps) {
  const { organizationId, roomId, onBack } = props;
  const device = useRef<Promise<Device> | null>(null);
  const makeSession = (): RoomSession =>
    new RoomSession({
      join: () => joinRoom(organizationId, roomId),
      createDevice: () => takeDevice(device),
      signalingUrl: SIGNALING_URL,
      tokens,
    });
  // Made, and its room drawn, while one stands at the door; nothing leaves the page for it before the click.
  const [session, setSession] = useState(makeSession);
  const [isInside, setInside] = useState(false);
  const [isOpening, setOpening] = useState(false);
  const [problem, setProblem] = useState<unknown>(null);
  const door = useDoor(organizationId, roomId, !isInside);
  const preview = usePreview();
  const open = useRef<RoomSession | null>(null);
  const isEntering = useRef(false);

  useEffect(() => {
    // Made while one stands at the door, so that the click has less to wait for.
    device.current = prepareDevice();
    device.current.catch(() => undefined);
    return () => open.current?.close();
  }, []);

  async function enter(isStart: boolean): Promise<void> {
    // What was pressed stays on the page until the room can be shown: pressing it again opens no second one.
    if (isEntering.current) return;
    isEntering.current = true;
    setOpening(true);
    setProblem(null);
    // Coming back takes a fresh one.
    const next = open.current ? makeSession() : session;
    next.local.choose({ microphoneId: chosenDevice('microphone'), cameraId: chosenDevice('camera') });
    open.current = next;
    try {
      if (isStart) await startUnlessLive(organizationId, roomId);
      await next.start();
      // Until the media is negotiated every millisecond of the one thread is the join's.
      await drawn(next);
      // What is on now, not at the click: the door's buttons work until it is gone, and nothing comes between here.
      flushSync(() => {
        publishWhenLive(next, preview.take());
        setSession(next);
        setInside(true);
      });
    } catch (error) {
      next.close();
      open.current = null;
      setInside(false);
      setSession(makeSession());
      setProblem(error);
    }
    isEntering.current = false;
    setOpening(false);
  }

  const enterOnce = useEffectEvent(() => void enter(false));
  const isLive = door.data?.state === 'live';
  const hasEntered = useRef(false);
  useEffect(() => {
    if (!props.isEager || !isLive || hasEntered.current) return;
    hasEntered.current = true;
    enterOnce();
  }, [props.isEager, isLive]);

  function leave(): void {
    open.current?.close();
    onBack();
  }

  return (
    <>
      {!isInside && (
        <Door
          room={door.data}
          loadError={door.error}
          myName={props.myName}
          canRun={props.canRun}
          canPublish={props.canPublish}
          preview={preview}
          isBusy={isOpening}
          problem={problem}
          onJoin={() => void enter(false)}
          onStart={() => void enter(true)}
          onBack={onBack}
        />
      )}
      {/* Drawn ahead of the click, without its effects: showing it costs a layout and no drawing. */}
      <Activity mode={isInside ? 'visible' : 'hidden'}>
        <RoomSessionProvider value={session}>
          <OpenRoom
            {...props}
            session={session}
            roomName={door.data?.name ?? ''}
            onLeave={leave}
            isOpening={isOpening}
            onAgain={() => void enter(false)}
          />
        </RoomSessionProvider>
      </Activity>
    </>
  );
}

interface OpenRoomProps extends RoomPageProps {
  session: RoomSession;
  roomName: string;
  /** Coming back is under way. */
  isOpening: boolean;
  onLeave: () => void;
  onAgain: () => void;
}

function OpenRoom({ session, organizationId, roomId, organizationName, roomName, makePanels, isOpening, onLeave, onAgain, onBack }: OpenRoomProps) {
  const phase = useStore(session.store, (state) => state.phase);
  const end = useStore(session.store, (state) => state.end);
  const facts = useStore(session.store, (state) => state.facts);
  const endRoom = useEndRoom(organizationId, roomId);

  useEffect(() => {
    const wake = (): void => session.tryNow();
    // Closing the page leaves at once, instead of holding the seat for the grace time.
    const leave = (): void => session.close();
    window.addEventListener('online', wake);
    window.addEventListener('pagehide', leave);
    return () => {
      window.removeEventListener('online', wake);
      window.removeEventListener('pagehide', leave);
    };
  }, [session]);

  if (phase === 'ended') return <EndedView reason={end ?? 'left'} isOpening={isOpening} onAgain={onAgain} onRooms={onBack} />;
  return (
    <RoomView
      roomName={facts?.roomName ?? roomName}
      organizationName={organizationName}
      panels={makePanels(session)}
      onLeave={onLeave}
      onEnd={() => endRoom.mutateAsync()}
    />
  );
}

/** The prepared Device once; every later room needs a fresh one. */
function takeDevice(prepared: { current: Promise<Device> | null }): Promise<Device> {
  const device = prepared.current ?? prepareDevice();
  prepared.current = null;
  return device;
}

/** Start; someone else may have been faster, and then one simply joins. */
async function startUnlessLive(organizationId: string, roomId: string): Promise<void> {
  try {
    await startRoom(organizationId, roomId);
  } catch (error) {
    if (codeOf(error) !== 'room_already_live') throw error;
  }
}

/** Resolves when there is something to show, or nothing came for a while. */
function drawn({ store }: RoomSession): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      stop();
      resolve();
    };
    const timer = setTimeout(done, SHOW_AFTER_MS);
    const stop = store.subscribe(({ phase }) => {
      if (phase !== 'joining') done();
    });
    if (store.getState().phase !== 'joining') done();
  });
}

/** What was on at the door is on inside, from the first welcome. */
function publishWhenLive(session: RoomSession, { microphone, camera }: DoorAnswer): void {
  const begin = (): boolean => {
    const { phase } = session.store.getState();
    if (phase === 'joining') return false;
    if (phase === 'ended') {
      microphone?.stop();
      camera?.stop();
    } else {
      if (microphone) void session.local.start('microphone', microphone);
      if (camera) void session.local.start('camera', camera);
    }
    return true;
  };
  if (begin()) return;
  const stop = session.store.subscribe(() => {
    if (begin()) stop();
  });
}

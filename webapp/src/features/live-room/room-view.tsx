import { Activity, useRef, useState, type ReactNode } from 'react';
import { cn } from '@/ui/cn';
import { useMedia } from '@/ui/use-media';
import { Banners } from './banners';
import { CameraTile } from './camera-tile';
import { isTrouble, wordsOf } from './connection-level';
import { ControlBar } from './control-bar';
import { Dock } from './dock';
import type { Picture } from './pictures';
import { Rail, type RailTab } from './rail';
import { useRoom, useRoomSession } from './room-context';
import { Sound } from './sound';
import { PictureTools, popOut, Stage, toggleFullScreen } from './stage';
import { TopBar } from './top-bar';
import { usePictures } from './use-pictures';
import { useRegions } from './use-regions';
import { useSettled } from './use-settled';
import { useShortcuts } from './use-shortcuts';

export interface RoomPanels {
  /** `peek`: the newest chat line, when chat is behind another tab. */
  alerts: (peek: boolean) => ReactNode;
  chat: ReactNode;
  board: ReactNode;
}

interface RoomViewProps {
  roomName: string;
  organizationName: string;
  panels: RoomPanels;
  onLeave: () => void;
  onEnd: () => Promise<unknown>;
}

/** The room: stage, rail, controls. One rail up to 1680 px, two beside each other above, one column below 768. */
export function RoomView({ roomName, organizationName, panels, onLeave, onEnd }: RoomViewProps) {
  const session = useRoomSession();
  const canPublish = useRoom((state) => state.facts?.grant.canPublish ?? false);
  const isWide = useMedia('(min-width: 1680px)');
  const isNarrow = useMedia('(max-width: 1023px)');
  const { screens, cameras } = usePictures();
  const [picked, setPicked] = useState<string | null>(null);
  const [tab, setTab] = useState<RailTab>('alerts');
  const [isDockOpen, setDockOpen] = useState(true);
  const [isSoundOff, setSoundOff] = useState(false);
  const stage = useRef<HTMLDivElement>(null);

  const screen = screens.find(({ key }) => key === picked) ?? screens[0] ?? null;
  // While nobody shares, a camera is what there is to see.
  const large = screen ?? cameras[0] ?? null;
  const small = cameras.filter((camera) => camera !== large);
  const beside = useSettled(stage, useIsPictureComing()) ? 'visible' : 'hidden';

  function show(next: RailTab, testId?: string): void {
    setTab(next);
    if (testId) setTimeout(() => document.querySelector<HTMLElement>(`[data-testid="${testId}"]`)?.focus(), 0);
  }

  useShortcuts({
    ...(canPublish && {
      m: () => void session.local.toggleMicrophone(),
      v: () => void session.local.toggleCamera(),
      s: () => void session.local.toggleScreen(),
    }),
    a: () => show('alerts', 'alert-input'),
    c: () => show('chat', 'chat-input'),
    '1': () => show('alerts'),
    '2': () => show('chat'),
    '3': () => show('people'),
    d: () => setDockOpen((isOpen) => !isOpen),
    f: () => toggleFullScreen(stage.current),
    p: () => popOut(stage.current),
  });
  useRegions();

  return (
    <div
      className={cn(
        'grid h-dvh overflow-hidden bg-canvas',
        'grid-rows-[auto_minmax(0,1fr)_auto] lg:grid-cols-[minmax(0,1fr)_var(--rail)] 2xl:grid-cols-[minmax(0,1fr)_384px_340px]',
        'max-lg:grid-cols-1 max-lg:grid-rows-[auto_auto_minmax(0,1fr)_auto]',
      )}
      data-testid="room"
    >
      <TopBar roomName={roomName} organizationName={organizationName} onBack={onLeave} />
      <main data-region="stage" className="flex min-h-0 min-w-0 flex-col max-lg:h-[min(56vw,52dvh)] max-md:h-auto">
        <Banners />
        <Sound isOff={isSoundOff} />
        <Stage picture={large} screens={screens} onPick={setPicked} boxRef={stage} />
        {isNarrow && large && (
          <NarrowPresenter picture={large}>
            {small[0] && <CameraTile picture={small[0]} className="h-9 w-14 flex-none rounded-2" />}
            <PictureTools boxRef={stage} size="touch" />
          </NarrowPresenter>
        )}
        {!isNarrow && (
          <Dock
            cameras={small}
            board={<Activity mode={beside}>{panels.board}</Activity>}
            isOpen={isDockOpen}
            onToggle={() => setDockOpen(!isDockOpen)}
          />
        )}
      </main>
      <aside
        aria-label="Room panels"
        data-region="rail"
        className="flex min-h-0 min-w-0 flex-col border-line max-lg:border-t lg:col-start-2 lg:row-span-2 lg:row-start-2 lg:border-l"
      >
        <Activity mode={beside}>
          <Rail tab={tab} onTab={setTab} alerts={panels.alerts(!isWide)} chat={isWide ? null : panels.chat} />
        </Activity>
      </aside>
      {isWide && (
        <aside
          aria-label="Chat"
          data-region="chat"
          className="col-start-3 row-span-2 row-start-2 flex min-h-0 flex-col border-l border-line bg-surface"
        >
          <h2 className="flex h-10 flex-none items-center border-b border-line px-4 font-semibold">Chat</h2>
          <Activity mode={beside}>{panels.chat}</Activity>
        </aside>
      )}
      {/* Last in the document: the order of focus is top bar, stage, rail, control bar. */}
      <div data-region="controls" className="min-w-0 lg:col-start-1 lg:row-start-3">
        <ControlBar isSoundOff={isSoundOff} onToggleSound={() => setSoundOff(!isSoundOff)} onLeave={onLeave} onEnd={onEnd} />
      </div>
    </div>
  );
}

/** Whether somebody's picture is about to be shown; while the room is still unknown, it may be. */
function useIsPictureComing(): boolean {
  return useRoom(({ phase, tracks }) => phase === 'joining' || (phase === 'live' && tracks.some(({ kind }) => kind === 'video')));
}

/** Below the picture where there is no dock: who presents, their camera, full screen. */
function NarrowPresenter({ picture, children }: { picture: Picture; children: ReactNode }) {
  const line = useRoom((state) => (picture.isMine ? undefined : state.qualities[picture.participantId]));
  return (
    <div className="flex h-13 flex-none items-center gap-2.5 border-t border-line bg-surface pr-1 pl-3">
      <span className="order-1 min-w-0 flex-1">
        <b className="block truncate leading-[17px]">{picture.isMine ? 'You' : picture.name}</b>
        {isTrouble(line) ? (
          <span className={cn('text-xs', line.level === 'poor' ? 'text-warn' : 'text-ink-2')}>{wordsOf(line)}</span>
        ) : (
          <span className="text-xs text-ink-3">{picture.source === 'screen' ? 'Shares a screen' : 'On camera'}</span>
        )}
      </span>
      <span className="contents [&>button]:order-2">{children}</span>
    </div>
  );
}

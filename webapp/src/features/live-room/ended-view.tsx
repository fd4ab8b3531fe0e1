import { DevicesIcon, FlagCheckeredIcon, ProhibitIcon, UserMinusIcon, UsersThreeIcon } from '@phosphor-icons/react';
import type { ReactNode } from 'react';
import type { EndReason } from '@/realtime/signaling-client';
import { Button } from '@/ui/button';
import { Blank } from '@/ui/states';

interface Farewell {
  icon: ReactNode;
  title: string;
  text: string;
  /** What coming back is called; null when it makes no sense. */
  again: string | null;
}

const FAREWELLS: Record<Exclude<EndReason, 'left'>, Farewell> = {
  session_ended: {
    icon: <FlagCheckeredIcon size={28} />,
    title: 'The session is over',
    text: 'Its alerts and chat stay in the room.',
    again: null,
  },
  replaced: {
    icon: <DevicesIcon size={28} />,
    title: 'You joined on another device',
    text: 'Each member has one live seat, so this window stopped.',
    again: 'Use this device',
  },
  removed: {
    icon: <UserMinusIcon size={28} />,
    title: 'You were removed from this session',
    text: 'A moderator ended your stay. Ask the host if you think that was a mistake.',
    again: null,
  },
  room_full: {
    icon: <UsersThreeIcon size={28} />,
    title: 'This room is full',
    text: 'Your seat went to someone else while you were away. Try again when someone leaves.',
    again: 'Try again',
  },
  no_access: {
    icon: <ProhibitIcon size={28} />,
    title: 'You have no access to this room now',
    text: 'Your membership or sign-in changed. Go to your rooms to see what is open.',
    again: null,
  },
  refused: {
    icon: <ProhibitIcon size={28} />,
    title: 'The room did not take this browser',
    text: 'Load the page again: it may be older than the server.',
    again: 'Try again',
  },
};

interface EndedViewProps {
  reason: EndReason;
  /** Coming back is under way. */
  isOpening: boolean;
  onAgain: () => void;
  onRooms: () => void;
}

/** After the last moment: what happened, and what can be done now. */
export function EndedView({ reason, isOpening, onAgain, onRooms }: EndedViewProps) {
  const { icon, title, text, again } = FAREWELLS[reason === 'left' ? 'session_ended' : reason];
  return (
    <main className="grid h-full place-items-center bg-canvas p-4" data-testid="session-over" data-reason={reason}>
      <div className="w-full max-w-100 rounded-3 border border-line bg-surface py-4">
        <div className="grid place-items-center">
          <Blank
            isPage
            icon={icon}
            title={title}
            action={
              <span className="mt-1 flex gap-2">
                {again && (
                  <Button look="primary" isBusy={isOpening} onClick={onAgain} data-testid="come-back">
                    {again}
                  </Button>
                )}
                <Button look={again ? 'quiet' : 'default'} onClick={onRooms}>
                  Go to my rooms
                </Button>
              </span>
            }
          >
            {text}
          </Blank>
        </div>
      </div>
    </main>
  );
}

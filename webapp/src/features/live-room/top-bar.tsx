import { ArrowLeftIcon, MoonIcon, SunIcon, UsersIcon } from '@phosphor-icons/react';
import { clockTime, runningTime } from '@/lib/time';
import { IconButton } from '@/ui/button';
import { LiveBadge, Mark } from '@/ui/marks';
import { useTheme } from '@/ui/theme';
import { useNow } from '@/ui/use-now';
import { useTitle } from '@/ui/use-title';
import { Connection } from './connection';
import { useRoom } from './room-context';
import { usePeople } from './use-people';

interface TopBarProps {
  roomName: string;
  organizationName: string;
  onBack: () => void;
}

/** Where one is, since when it runs, who watches, how the line is. */
export function TopBar({ roomName, organizationName, onBack }: TopBarProps) {
  const { theme, toggle } = useTheme();
  useTitle(`Live: ${roomName}`);
  // Viewers, as the rooms page counts them: those who take a seat.
  const watching = usePeople().filter(({ role }) => role === 'viewer').length;
  return (
    <header data-region="top" className="col-span-full flex h-(--bar-top) items-center gap-3 border-b border-line bg-surface px-3 max-md:h-12.5 max-md:gap-1 max-md:pr-2 max-md:pl-1">
      <span className="max-md:hidden">
        <Mark />
      </span>
      <IconButton label="Leave the room" size="touch" onClick={onBack} className="md:hidden">
        <ArrowLeftIcon size={20} />
      </IconButton>
      <div className="flex min-w-0 items-baseline gap-2 max-md:flex-1 max-md:flex-col max-md:gap-0">
        <h1 className="truncate font-semibold max-md:max-w-full max-md:text-lg max-md:leading-[19px]" data-testid="room-name">
          {roomName}
        </h1>
        <p className="truncate text-xs text-ink-3 max-xl:hidden max-md:block max-md:max-w-full max-md:text-2xs">
          {organizationName}
          <span className="md:hidden">, {watching} watching</span>
        </p>
      </div>
      <RunningTime />
      <span className="flex-1 max-md:hidden" />
      <Clock />
      <span className="h-5 w-px bg-line max-md:hidden" />
      <span className="inline-flex items-center gap-1.5 whitespace-nowrap text-ink-2 max-md:hidden" data-testid="watching">
        <UsersIcon size={16} />
        <b className="font-medium text-ink">{watching}</b>
        <span className="max-xl:hidden">watching</span>
      </span>
      <span className="h-5 w-px bg-line max-md:hidden" />
      <span className="max-md:px-2">
        <Connection />
      </span>
      <span className="h-5 w-px bg-line max-md:hidden" />
      <IconButton label={theme === 'dark' ? 'Light theme' : 'Dark theme'} onClick={toggle} className="max-md:hidden">
        {theme === 'dark' ? <SunIcon size={18} /> : <MoonIcon size={18} />}
      </IconButton>
    </header>
  );
}

function RunningTime() {
  const facts = useRoom((state) => state.facts);
  const offset = useRoom((state) => state.clockOffsetMs);
  const now = useNow();
  if (!facts) return null;
  return (
    <span data-testid="live-badge">
      <span className="max-md:hidden">
        <LiveBadge time={runningTime(now + offset - facts.startedAt.getTime())} />
      </span>
      <span className="md:hidden">
        <LiveBadge />
      </span>
    </span>
  );
}

function Clock() {
  const offset = useRoom((state) => state.clockOffsetMs);
  const now = useNow();
  return (
    <time className="font-medium max-lg:hidden" title="Your time">
      {clockTime(new Date(now + offset))}
    </time>
  );
}

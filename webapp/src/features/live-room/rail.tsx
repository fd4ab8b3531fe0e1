import { Tabs } from 'radix-ui';
import { useEffect, useState, type ReactNode } from 'react';
import { alertOf, chatOf } from '@/realtime/feed';
import { cn } from '@/ui/cn';
import { Count } from '@/ui/marks';
import { PeoplePanel } from './people-panel';
import { useRoom } from './room-context';

export type RailTab = 'alerts' | 'chat' | 'people';

interface RailProps {
  tab: RailTab;
  onTab: (tab: RailTab) => void;
  alerts: ReactNode;
  /** Null when chat stands in a column of its own. */
  chat: ReactNode | null;
}

/** The panels beside the stage. All stay mounted, so that what is typed and where one reads survive a change of tab. */
export function Rail({ tab, onTab, alerts, chat }: RailProps) {
  const events = useRoom((state) => state.feed.events);
  const people = useRoom((state) => state.participants.length);
  const shown = tab === 'chat' && chat === null ? 'alerts' : tab;
  const alertCount = events.filter((event) => alertOf(event) !== null).length;
  const newestAlert = events.findLast((event) => alertOf(event) !== null)?.seq ?? 0;
  const newAlerts = useUnseen(events, shown === 'alerts', (event) => alertOf(event) !== null);
  const newLines = useUnseen(events, shown === 'chat', (event) => chatOf(event) !== null);
  return (
    <Tabs.Root
      value={shown}
      onValueChange={(next) => onTab(next === 'chat' || next === 'people' ? next : 'alerts')}
      className="flex min-h-0 flex-1 flex-col bg-surface"
      data-testid="rail"
      data-newest-alert={newestAlert}
    >
      <Tabs.List aria-label="Room panels" className="flex h-10 flex-none gap-0.5 border-b border-line px-1.5 max-md:h-11">
        <Tab value="alerts" word="Alerts" count={newAlerts > 0 ? newAlerts : alertCount} isHot={newAlerts > 0} />
        {chat !== null && <Tab value="chat" word="Chat" count={newLines} isHot />}
        <Tab value="people" word="People" count={people} />
      </Tabs.List>
      <Panel value="alerts">{alerts}</Panel>
      {chat !== null && <Panel value="chat">{chat}</Panel>}
      <Panel value="people">
        <PeoplePanel />
      </Panel>
    </Tabs.Root>
  );
}

/** How many entries of a kind came since the panel was last looked at; what was there on joining counts as seen. */
function useUnseen<T extends { seq: number }>(events: readonly T[], isShown: boolean, is: (event: T) => boolean): number {
  const newest = events.at(-1)?.seq ?? 0;
  const [seen, setSeen] = useState<number | null>(null);
  useEffect(() => {
    if (isShown || (seen === null && newest > 0)) setSeen(newest);
  }, [isShown, newest, seen]);
  return isShown || seen === null ? 0 : events.filter((event) => event.seq > seen && is(event)).length;
}

function Tab({ value, word, count, isHot = false }: { value: RailTab; word: string; count: number; isHot?: boolean }) {
  return (
    <Tabs.Trigger
      value={value}
      data-testid={`tab-${value}`}
      className={cn(
        'relative inline-flex items-center gap-1.5 px-2.5 font-medium text-ink-2 hover:text-ink focus-visible:-outline-offset-2 max-md:text-md',
        'data-[state=active]:font-semibold data-[state=active]:text-ink',
        'data-[state=active]:after:absolute data-[state=active]:after:inset-x-2 data-[state=active]:after:-bottom-px data-[state=active]:after:h-0.5 data-[state=active]:after:bg-ink',
      )}
    >
      {word}
      {count > 0 && <Count value={count} isHot={isHot} />}
    </Tabs.Trigger>
  );
}

function Panel({ value, children }: { value: RailTab; children: ReactNode }) {
  return (
    <Tabs.Content
      value={value}
      forceMount
      className="flex min-h-0 flex-1 flex-col data-[state=inactive]:hidden focus-visible:-outline-offset-2"
      tabIndex={-1}
    >
      {children}
    </Tabs.Content>
  );
}

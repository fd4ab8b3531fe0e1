import { ListChecksIcon } from '@phosphor-icons/react';
import { useMemo, useRef, useState, type ReactNode } from 'react';
import { useStore } from 'zustand';
import { rLine, sharedScale } from '@/lib/r-line';
import { alertsOf, type LiveAlert } from '@/realtime/alerts';
import type { RoomSession } from '@/realtime/room-session';
import { Scroller } from '@/ui/scroller';
import { Blank, Skeleton } from '@/ui/states';
import { useNow } from '@/ui/use-now';
import { AlertCard } from './alert-card';
import { AlertComposer } from './alert-composer';
import { stateWords } from './life-words';
import { lineFor, type StepAction } from './step-lines';

/** All alerts that are known, newest first, as each stands now. */
export function useAlerts(session: RoomSession): LiveAlert[] {
  const events = useStore(session.store, (state) => state.feed.events);
  return useMemo(() => alertsOf(events), [events]);
}

interface AlertsPanelProps {
  session: RoomSession;
  /** Stands above the composer: the newest chat line, where chat is out of sight. */
  peek: ReactNode;
}

/** The list of alerts, and for who may post the line to write one. */
export function AlertsPanel({ session, peek }: AlertsPanelProps) {
  const alerts = useAlerts(session);
  const phase = useStore(session.store, (state) => state.phase);
  const canPost = useStore(session.store, (state) => state.facts?.grant.canPostAlert ?? false);
  const startedAt = useStore(session.store, (state) => state.facts?.startedAt.getTime() ?? 0);
  const offset = useStore(session.store, (state) => state.clockOffsetMs);
  const now = useNow(5_000) + offset;
  const [selected, setSelected] = useState<string | null>(null);
  const [line, setLine] = useState('');
  const [pinned, setPinned] = useState<string | null>(null);
  const input = useRef<HTMLInputElement>(null);
  const scale = useMemo(() => sharedScale(alerts.map((alert) => rLine(alert)).filter((one) => one !== null)), [alerts]);
  const firstEarlier = alerts.findIndex(({ at }) => at.getTime() < startedAt);

  /** The line filled in; Enter confirms. */
  function openLine(action: StepAction, alert: LiveAlert): void {
    const next = lineFor(action, alert);
    setPinned(alert.id);
    setLine(next);
    requestAnimationFrame(() => {
      input.current?.focus();
      input.current?.setSelectionRange(next.length, next.length);
    });
  }

  return (
    <>
      <Scroller label="Alerts" role="feed" className="min-h-0 flex-1 overflow-y-auto" data-testid="alerts">
        {phase === 'joining' && alerts.length === 0 && <Waiting />}
        {phase !== 'joining' && alerts.length === 0 && (
          <div className="grid h-full place-items-center">
            <Blank icon={<ListChecksIcon size={26} />} title="No alerts yet" testId="alerts-empty">
              {canPost ? 'Write the first one below. Members get it at once.' : 'The first one will show here, with its prices.'}
            </Blank>
          </div>
        )}
        {alerts.map((alert, index) => (
          <div key={alert.id}>
            {index === firstEarlier && (
              <p className="border-b border-line px-3.5 py-1.5 text-2xs text-ink-3">Before this session</p>
            )}
            <AlertCard
              alert={alert}
              scale={scale}
              now={now}
              isFull={index === 0 || alert.id === selected}
              isSelected={alert.id === selected}
              onSelect={() => setSelected(alert.id)}
              onAction={canPost ? (action) => openLine(action, alert) : null}
            />
          </div>
        ))}
      </Scroller>
      <Announcer alerts={alerts} now={now} />
      {peek}
      {canPost && <AlertComposer session={session} alerts={alerts} pinnedId={pinned} line={line} onLine={setLine} input={input} />}
    </>
  );
}

/** Tells screen readers politely of the newest alert or step. */
function Announcer({ alerts, now }: { alerts: readonly LiveAlert[]; now: number }) {
  const moment = ({ at, life }: LiveAlert): number => (life.last?.at ?? at).getTime();
  const alert = alerts.reduce<LiveAlert | null>((newest, one) => (newest && moment(newest) >= moment(one) ? newest : one), null);
  const isFresh = alert !== null && now - moment(alert) < 30_000;
  return (
    <p className="sr-only" aria-live="polite">
      {isFresh &&
        (alert.life.last
          ? `${alert.symbol}: ${stateWords(alert)}`
          : `New ${alert.side} ${alert.symbol}, entry ${alert.entry}${alert.stop ? `, stop ${alert.stop}` : ''}`)}
    </p>
  );
}

function Waiting() {
  return (
    <div aria-hidden="true">
      {[0, 1, 2].map((row) => (
        <div key={row} className="grid gap-2 border-b border-line px-3.5 py-2.5">
          <Skeleton className="h-5 w-40" />
          <Skeleton className="h-4 w-60" />
          <Skeleton className="h-2 w-full" />
        </div>
      ))}
    </div>
  );
}

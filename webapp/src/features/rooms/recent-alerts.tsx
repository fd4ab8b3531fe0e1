import { ListChecksIcon } from '@phosphor-icons/react';
import { formatPrice } from '@/lib/prices';
import { feedTime } from '@/lib/time';
import { Blank, Panel, Skeleton } from '@/ui/states';
import { useNow } from '@/ui/use-now';
import { SideMark } from './live-card';
import type { RoomAlert } from './latest';

const SHOWN = 8;

/** The newest alerts of all rooms, as posted. */
export function RecentAlerts({ alerts, isPending }: { alerts: readonly RoomAlert[]; isPending: boolean }) {
  const now = new Date(useNow(60_000));
  return (
    <Panel title="Recent alerts">
      {alerts.length > 0 ? (
        <ul className="py-1.5" data-testid="recent-alerts">
          {alerts.slice(0, SHOWN).map((alert) => (
            <li key={alert.id} className="grid h-7 grid-cols-[12px_52px_minmax(0,1fr)_auto] items-center gap-2 px-3.5">
              <span aria-hidden="true">
                <SideMark side={alert.side} />
              </span>
              <b className="truncate">{alert.symbol}</b>
              <span className="narrow truncate text-ink-2">
                <span className="capitalize">{alert.side}</span> {formatPrice(alert.entry)}
                {alert.stop !== null && `, stop ${formatPrice(alert.stop)}`}
              </span>
              <time className="narrow text-xs whitespace-nowrap text-ink-3" title={alert.roomName} dateTime={alert.at.toISOString()}>
                {feedTime(alert.at, now)}
              </time>
            </li>
          ))}
        </ul>
      ) : isPending ? (
        <Skeleton className="m-3.5 h-20" />
      ) : (
        <div className="grid place-items-center py-3">
          <Blank icon={<ListChecksIcon size={24} />} title="No alerts yet">
            Symbol, entry, stop and targets of every alert show here as they are posted.
          </Blank>
        </div>
      )}
    </Panel>
  );
}

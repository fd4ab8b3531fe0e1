import { useMemo } from 'react';
import { useStore } from 'zustand';
import { decimalsOf, formatPrice, formatR } from '@/lib/prices';
import { rLife, rLine, sharedScale } from '@/lib/r-line';
import { age } from '@/lib/time';
import { isOver } from '@/realtime/alerts';
import type { RoomSession } from '@/realtime/room-session';
import { cn } from '@/ui/cn';
import { Triangle } from '@/ui/marks';
import { Scroller } from '@/ui/scroller';
import { useNow } from '@/ui/use-now';
import { useAlerts } from './alerts-panel';
import { placeR, RLineView } from './r-line-view';

/** The session's open ideas in rows on one scale of R: same risk, same length. */
export function IdeasBoard({ session }: { session: RoomSession }) {
  const alerts = useAlerts(session);
  const startedAt = useStore(session.store, (state) => state.facts?.startedAt.getTime() ?? 0);
  const offset = useStore(session.store, (state) => state.clockOffsetMs);
  const now = useNow(10_000) + offset;
  const ofSession = useMemo(() => alerts.filter(({ at }) => at.getTime() >= startedAt), [alerts, startedAt]);
  const rows = useMemo(
    () => ofSession.filter(({ life }) => !isOver(life)).map((alert) => ({
        ...{ alert, line: rLine(alert), life: rLife(alert, { ...alert.life, isClosed: false }) },
        decimals: decimalsOf([alert.entry, alert.life.stop, ...alert.targets]),
      })),
    [ofSession],
  );
  const closedCount = ofSession.filter(({ life }) => life.phase === 'closed').length;
  const scale = sharedScale(rows.map(({ line }) => line).filter((line) => line !== null));
  const ticks = Array.from({ length: scale + 2 }, (_, index) => index - 1);
  return (
    <section aria-label="Ideas of this session" className="flex min-h-0 flex-1 flex-col" data-testid="ideas-board">
      <header className="flex h-7.5 flex-none items-center gap-3 border-b border-line pr-9 pl-3 text-xs text-ink-2">
        <h2 className="font-semibold text-ink">Ideas of this session</h2>
        <span>
          {rows.length} open{closedCount > 0 && `, ${closedCount} closed`}
        </span>
      </header>
      {rows.length === 0 ? (
        <p className="px-3 py-3 text-xs text-ink-3">{closedCount > 0 ? 'Nothing is open now. ' : ''}Open alerts of this session line up here, on one scale of risk.</p>
      ) : (
        <Scroller label="Open ideas" className="min-h-0 flex-1 overflow-y-auto">
          <table className="narrow w-full border-collapse">
            <thead className="sticky top-0 z-(--z-sticky) bg-surface">
              <tr className="h-5 text-2xs text-ink-3 *:font-medium">
                <th className="pl-3 text-left">Symbol</th>
                <th className="px-1.75 text-left max-xl:hidden">By</th>
                <th className="px-1.75 text-right">Entry</th>
                <th className="px-1.75 text-right">Stop</th>
                <th className="px-1.75 text-right">Target</th>
                <th className="w-[34%] min-w-40 px-2">
                  <div className="relative h-3.5">
                    {ticks.map((r) => (
                      <span key={r} className="absolute -translate-x-1/2" style={{ left: `${placeR(r, scale)}%` }}>
                        {r === 0 ? '0' : formatR(r).replace('.00', '')}
                      </span>
                    ))}
                  </div>
                </th>
                <th className="px-1.75 text-right">At target</th>
                <th className="pr-3.5 pl-1.75 text-right max-[1420px]:hidden">Age</th>
              </tr>
            </thead>
            <tbody>
              {rows.map(({ alert, line, life, decimals }) => (
                <tr key={alert.id} className="h-6.25 whitespace-nowrap *:text-right hover:bg-hover">
                  <td className="pl-3 text-left!">
                    <span className="inline-flex items-center gap-1.5">
                      <span className={cn(alert.side === 'long' ? 'text-long' : 'text-short')}>
                        <Triangle side={alert.side} />
                      </span>
                      <b>{alert.symbol}</b>
                      <span className="sr-only">{alert.side}</span>
                    </span>
                  </td>
                  <td className="max-w-28 truncate px-1.75 text-left! text-ink-3 max-xl:hidden">{alert.authorName}</td>
                  <td className="px-1.75">{formatPrice(alert.life.fill ?? alert.entry, decimals)}</td>
                  <td className="px-1.75">{alert.life.stop === null ? '' : formatPrice(alert.life.stop, decimals)}</td>
                  <td className="px-1.75">{alert.targets.length > 0 && formatPrice(alert.targets.at(-1) ?? '', decimals)}</td>
                  <td className="px-2">{line && <RLineView line={line} life={life} scale={scale} hasGrid />}</td>
                  <td className="px-1.75 font-medium">{line?.targets.length ? formatR(line.targets.at(-1) ?? 0) : ''}</td>
                  <td className="pr-3.5 pl-1.75 text-ink-2 max-[1420px]:hidden">{age(now - alert.at.getTime())}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scroller>
      )}
    </section>
  );
}

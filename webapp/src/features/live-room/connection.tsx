import { SignalBars } from '@/ui/marks';
import { Tip } from '@/ui/tip';
import { Spinner } from '@/ui/spinner';
import { useRoom } from './room-context';
import { levelOf } from './connection-level';

/** The connection as one sees it oneself: good is quiet, trouble has colour. */
export function Connection() {
  const phase = useRoom((state) => state.phase);
  const quality = useRoom((state) => state.quality);
  const isAway = phase === 'reconnecting';
  const level = levelOf(quality);
  const words = isAway
    ? 'Reconnecting'
    : phase === 'joining'
      ? 'Connecting'
      : level >= 3
        ? 'Good connection'
        : level === 2
          ? 'Fair connection'
          : 'Poor connection';
  const loss = quality.lossPercent !== null && quality.lossPercent >= 1 ? `, ${quality.lossPercent.toFixed(0)} % lost` : '';
  return (
    <Tip text={`${words}${loss}`} side="bottom">
      <span className="inline-flex items-center gap-1.75 whitespace-nowrap" data-testid="connection-state" data-state={phase} tabIndex={0}>
        {isAway || phase === 'joining' ? (
          <span className={isAway ? 'text-warn' : 'text-ink-2'}>
            <Spinner />
          </span>
        ) : (
          <SignalBars level={level} />
        )}
        <span className="sr-only">{words}</span>
        {quality.rttMs !== null && !isAway && (
          <b className="font-medium max-md:hidden" aria-hidden="true">
            {quality.rttMs} ms
          </b>
        )}
        {isAway && <b className="font-medium text-warn max-md:hidden">Reconnecting</b>}
      </span>
    </Tip>
  );
}

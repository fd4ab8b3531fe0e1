import { SignalBars } from '@/ui/marks';
import { Peek } from '@/ui/peek';
import { Spinner } from '@/ui/spinner';
import { barsOf, ownLine, wordsOf } from './connection-level';
import { ConnectionDetails } from './connection-mark';
import { useRoom } from './room-context';

/** The connection as one has it oneself: good is quiet, trouble has colour. */
export function Connection() {
  const phase = useRoom((state) => state.phase);
  const quality = useRoom((state) => state.quality);
  const told = useRoom((state) => (state.facts ? state.qualities[state.facts.participantId] : undefined));
  const line = ownLine(quality, told);
  const isAway = phase === 'reconnecting';
  const words = isAway ? 'Reconnecting' : phase === 'joining' ? 'Connecting' : wordsOf(line);
  // The name holds what is read beside the bars.
  const label = isAway || quality.rttMs === null ? words : `${words}, ${quality.rttMs} ms`;
  return (
    <Peek
      label={label}
      content={isAway || phase === 'joining' ? words : <ConnectionDetails line={line} />}
      className="h-7 gap-1.75 px-1 whitespace-nowrap"
      data-testid="connection-state"
      data-state={phase}
    >
      {isAway || phase === 'joining' ? (
        <span className={isAway ? 'text-warn' : 'text-ink-2'}>
          <Spinner />
        </span>
      ) : (
        <SignalBars level={barsOf(line)} />
      )}
      {quality.rttMs !== null && !isAway && (
        <b className="font-medium max-md:hidden">
          {quality.rttMs} ms
        </b>
      )}
      {isAway && <b className="font-medium text-warn max-md:hidden">Reconnecting</b>}
    </Peek>
  );
}

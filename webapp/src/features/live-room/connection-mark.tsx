import { SignalBars } from '@/ui/marks';
import { Peek } from '@/ui/peek';
import { barsOf, detailsOf, wordsOf, type Line } from './connection-level';

/** Someone's connection as bars, with what is known of it under them. */
export function ConnectionMark({ line, name, side }: { line: Line; name: string; side?: 'top' | 'bottom' }) {
  return (
    <Peek
      label={`${wordsOf(line)}: ${name}`}
      content={<ConnectionDetails line={line} />}
      {...(side && { side })}
      className="h-5 px-0.5 max-md:h-11 max-md:px-2"
      data-testid="connection-mark"
      data-level={line.level}
    >
      <SignalBars level={barsOf(line)} />
    </Peek>
  );
}

/** The words, then the figures in a column. */
export function ConnectionDetails({ line }: { line: Line }) {
  const rows = detailsOf(line);
  return (
    <>
      <p className="font-semibold">{wordsOf(line)}</p>
      {rows.length > 0 && (
        <dl className="mt-1.5 grid grid-cols-[auto_auto] gap-x-5 gap-y-1 tabular-nums">
          {rows.map(({ name, value }) => (
            <div key={name} className="contents">
              <dt className="text-ink-2">{name}</dt>
              <dd className="text-right">{value}</dd>
            </div>
          ))}
        </dl>
      )}
    </>
  );
}

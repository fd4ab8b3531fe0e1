import { describe, expect, it } from 'vitest';
import { parseAlertLine } from './parse-alert-line';

describe('parseAlertLine', () => {
  it('reads side, symbol, entry, stop, targets and the note', () => {
    expect(parseAlertLine('short TSLA 402.5 stop 406 tp 396 390 lower high at 404')).toMatchObject({
      side: 'short',
      symbol: 'TSLA',
      entry: '402.5',
      stop: '406',
      targets: ['396', '390'],
      note: 'lower high at 404',
      problem: null,
      isComplete: true,
    });
  });

  it.each([
    ['buy spy 670C 4.20', { side: 'long', symbol: 'SPY 670C', entry: '4.20' }],
    ['long ESZ6 at 6,742.25 sl 6734.25', { symbol: 'ESZ6', entry: '6742.25', stop: '6734.25' }],
    ['sell BTC-USD entry 91871', { side: 'short', symbol: 'BTC-USD', entry: '91871', stop: null, targets: [] }],
  ])('takes %s', (line, draft) => {
    expect(parseAlertLine(line)).toMatchObject({ ...draft, isComplete: true });
  });

  it.each([
    ['nvda 187', 'side', 'Begin with long or short.'],
    ['long', 'symbol', 'Which symbol?'],
    ['long NVDA', 'entry', 'At which price?'],
    ['long NVDA 187.2 stop 188.4 tp 190', 'stop', 'The stop of a long lies below its entry.'],
    ['short NVDA 187.2 tp 190', 'targets', 'The targets of a short lie below its entry.'],
    ['long NVDA 187.2 stop soon', 'stop', 'A price is missing here.'],
  ])('refuses %s', (line, field, sentence) => {
    expect(parseAlertLine(line)).toMatchObject({ problem: { field, sentence }, isComplete: false });
  });

  it('marks the number that contradicts', () => {
    const bad = parseAlertLine('long NVDA 187.2 stop 188.4').pieces.filter(({ kind }) => kind === 'bad');

    expect(bad).toEqual([{ text: '188.4', kind: 'bad' }]);
  });

  it('keeps every character, so that the colours lie on what was typed', () => {
    const line = '  long  NVDA 187.2   stop 185 ';

    expect(parseAlertLine(line).pieces.map(({ text }) => text).join('')).toBe(line);
  });

  it('has nothing to say about an empty line', () => {
    expect(parseAlertLine('  ')).toMatchObject({ problem: null, isComplete: false });
  });
});

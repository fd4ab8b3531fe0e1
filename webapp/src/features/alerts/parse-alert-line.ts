import { parsePrice } from '@/lib/prices';

/** How a piece of the typed line was understood; pieces put together are the line again. */
export interface Piece {
  text: string;
  kind: 'space' | 'long' | 'short' | 'symbol' | 'price' | 'word' | 'note' | 'bad';
}

export type AlertField = 'side' | 'symbol' | 'entry' | 'stop' | 'targets' | 'note';

export interface ParsedAlert {
  pieces: Piece[];
  side: 'long' | 'short' | null;
  symbol: string;
  entry: string | null;
  stop: string | null;
  targets: string[];
  note: string;
  /** The first thing that keeps it from being posted; null for an empty line and a good one. */
  problem: { field: AlertField; sentence: string } | null;
  /** Side, symbol and entry are there and nothing contradicts. */
  isComplete: boolean;
}

const SIDES: Record<string, 'long' | 'short'> = { long: 'long', buy: 'long', short: 'short', sell: 'short' };
const ENTRY = new Set(['at', '@', 'entry', 'in']);
const STOP = new Set(['stop', 'sl']);
const TARGET = new Set(['tp', 'target', 'targets', 't', 't1', 't2', 't3']);
const MAX_TARGETS = 5;

type Expected = 'side' | 'symbol' | 'entry' | 'stop' | 'targets' | 'anything' | 'note';

/** Read `short TSLA 402.5 stop 406 tp 396 390 lower high`. It never guesses: what it can't place is the note, or is marked bad. */
export function parseAlertLine(line: string): ParsedAlert {
  const read: ParsedAlert = {
    ...{ pieces: [], side: null, symbol: '', entry: null, stop: null, targets: [], note: '' },
    ...{ problem: null, isComplete: false },
  };
  let expected: Expected = 'side';
  for (const text of line.match(/\s+|\S+/g) ?? []) {
    if (text.trim() === '') read.pieces.push({ text, kind: 'space' });
    else expected = place(read, text, expected);
  }
  read.note = read.note.trim();
  read.problem = problemOf(read, line);
  read.isComplete = read.problem === null && read.side !== null;
  if (read.problem) markBad(read, read.problem.field);
  return read;
}

/** Put one word where it belongs. Returns what is expected next. */
function place(read: ParsedAlert, text: string, expected: Expected): Expected {
  const word = text.toLowerCase().replace(/:$/, '');
  const put = (kind: Piece['kind'], next: Expected): Expected => {
    read.pieces.push({ text, kind });
    return next;
  };
  if (expected === 'note') {
    read.note += ` ${text}`;
    return put('note', 'note');
  }
  const side = SIDES[word];
  if (expected === 'side') {
    if (side) read.side = side;
    return put(side ?? 'bad', 'symbol');
  }
  if (STOP.has(word)) return put('word', 'stop');
  if (TARGET.has(word)) return put('word', 'targets');
  if (ENTRY.has(word) && read.entry === null) return put('word', 'entry');
  const price = parsePrice(text.replace(/[,;]$/, ''));
  const takes = price !== null && placePrice(read, price, expected);
  if (takes) return put('price', expected === 'targets' ? 'targets' : 'anything');
  if (read.entry === null && price === null && (expected === 'symbol' || expected === 'anything')) {
    read.symbol = `${read.symbol} ${text.toUpperCase()}`.trim();
    return put('symbol', 'symbol');
  }
  if (price === null && (expected === 'stop' || expected === 'entry')) return put('bad', 'anything');
  read.note += ` ${text}`;
  return put('note', 'note');
}

function placePrice(read: ParsedAlert, price: string, expected: Expected): boolean {
  if (expected === 'stop' && read.stop === null) read.stop = price;
  else if (expected === 'targets' && read.targets.length < MAX_TARGETS) read.targets.push(price);
  else if (read.entry === null && read.symbol !== '' && expected !== 'stop' && expected !== 'targets') read.entry = price;
  else return false;
  return true;
}

function problemOf(read: ParsedAlert, line: string): ParsedAlert['problem'] {
  if (line.trim() === '') return null;
  const { side, symbol, entry, stop, targets } = read;
  if (side === null) return { field: 'side', sentence: 'Begin with long or short.' };
  if (symbol === '') return { field: 'symbol', sentence: 'Which symbol?' };
  if (!/^[A-Z0-9][A-Z0-9./:\-^= ]{0,23}$/.test(symbol)) return { field: 'symbol', sentence: 'This is not a symbol.' };
  if (entry === null) return { field: 'entry', sentence: 'At which price?' };
  if (read.pieces.some(({ kind }) => kind === 'bad')) return { field: 'stop', sentence: 'A price is missing here.' };
  const direction = side === 'long' ? 1 : -1;
  const gain = (price: string): number => (Number(price) - Number(entry)) * direction;
  if (stop !== null && gain(stop) >= 0) {
    return { field: 'stop', sentence: `The stop of a ${side} lies ${side === 'long' ? 'below' : 'above'} its entry.` };
  }
  if (targets.some((target) => gain(target) <= 0)) {
    return { field: 'targets', sentence: `The targets of a ${side} lie ${side === 'long' ? 'above' : 'below'} its entry.` };
  }
  if (read.note.length > 500) return { field: 'note', sentence: 'A note has at most 500 characters.' };
  return null;
}

/** Colour the numbers that contradict the entry. */
function markBad(read: ParsedAlert, field: AlertField): void {
  const wrong = field === 'stop' ? [read.stop] : field === 'targets' ? read.targets : [];
  let isAfterEntry = false;
  for (const piece of read.pieces) {
    if (piece.kind !== 'price') continue;
    const price = parsePrice(piece.text);
    if (isAfterEntry && wrong.includes(price)) piece.kind = 'bad';
    if (price === read.entry) isAfterEntry = true;
  }
}

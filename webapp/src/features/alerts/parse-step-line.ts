import type { StepKind } from '@/api/generated/signaling';
import { parsePrice } from '@/lib/prices';
import { isOver, type LiveAlert } from '@/realtime/alerts';
import type { Piece } from './parse-alert-line';

export interface ParsedStep {
  pieces: Piece[];
  kind: StepKind;
  alert: LiveAlert | null;
  price: string | null;
  /** Of what is left, a decimal. */
  fraction: string | null;
  target: number | null;
  problem: string | null;
}

const VERBS: Record<string, StepKind> = {
  ...{ filled: 'filled', fill: 'filled', cancel: 'cancelled', trim: 'trimmed', stop: 'stop_moved', sl: 'stop_moved' },
  ...{ target: 'target_hit', hit: 'target_hit', close: 'closed', exit: 'closed' },
};
const FRACTIONS: Record<string, string> = { half: '0.5', third: '0.3333', quarter: '0.25' };
const FILLERS = new Set(['at', '@', 'to', 'a', 'by']);

/** Read `trim nvda half 186.40`, `stop nvda 181.20`, `close nvda 186.4`. Null when the line does not begin with such a verb. */
export function parseStepLine(line: string, alerts: readonly LiveAlert[], pinnedId: string | null): ParsedStep | null {
  const texts = line.match(/\s+|\S+/g) ?? [];
  const words = texts.filter((text) => text.trim() !== '');
  const kind = VERBS[words[0]?.toLowerCase() ?? ''];
  if (!kind) return null;
  const found = findAlert(words.slice(1), alerts, pinnedId);
  const read: ParsedStep = { pieces: [], kind, alert: found?.alert ?? null, price: null, fraction: null, target: null, problem: null };
  const known = 1 + (found?.wordCount ?? 0);
  let place = 0;
  for (const text of texts) {
    if (text.trim() === '') read.pieces.push({ text, kind: 'space' });
    else {
      read.pieces.push({ text, kind: place < known ? 'symbol' : takeWord(read, text) });
      place += 1;
    }
  }
  read.problem = problemOf(read, alerts);
  return read;
}

/** The open alert whose symbol comes first in these words: the one that was picked, else the newest. */
function findAlert(words: readonly string[], alerts: readonly LiveAlert[], pinnedId: string | null): { alert: LiveAlert; wordCount: number } | null {
  for (let wordCount = Math.min(4, words.length); wordCount > 0; wordCount -= 1) {
    const symbol = words.slice(0, wordCount).join(' ').toUpperCase();
    const fitting = alerts.filter((alert) => alert.symbol === symbol && !isOver(alert.life));
    const alert = fitting.find(({ id }) => id === pinnedId) ?? fitting[0];
    if (alert) return { alert, wordCount };
  }
  return null;
}

function takeWord(read: ParsedStep, text: string): Piece['kind'] {
  const word = text.toLowerCase();
  if (FILLERS.has(word)) return 'word';
  const fraction = fractionOf(word);
  if (read.kind === 'trimmed' && read.fraction === null && fraction !== null) {
    read.fraction = fraction;
    return 'price';
  }
  if (read.kind === 'target_hit' && read.target === null && /^[1-5]$/.test(word)) {
    read.target = Number(word);
    return 'price';
  }
  const price = parsePrice(word);
  if (price === null || read.price !== null || read.kind === 'cancelled') return 'bad';
  read.price = price;
  return 'price';
}

/** `half`, `25%`, `1/3` as a decimal of at most four places; null when it is none. */
function fractionOf(word: string): string | null {
  const percent = /^(\d{1,2}(?:\.\d{1,2})?)%$/.exec(word);
  const ratio = /^(\d{1,2})\/(\d{1,2})$/.exec(word);
  const value = percent ? Number(percent[1]) / 100 : ratio ? Number(ratio[1]) / Number(ratio[2]) : 0;
  return FRACTIONS[word] ?? (value > 0 && value < 1 ? String(Math.floor(value * 10_000 + 1e-9) / 10_000) : null);
}

function problemOf({ pieces, kind, alert, price, fraction, target }: ParsedStep, alerts: readonly LiveAlert[]): string | null {
  if (!alert) {
    const open = alerts.filter(({ life }) => !isOver(life)).map(({ symbol }) => symbol);
    return open.length > 0 ? `Which alert? Open: ${[...new Set(open)].join(', ')}.` : 'No alert is open.';
  }
  const isFirst = kind === 'filled' || kind === 'cancelled';
  if (isFirst && alert.life.phase === 'filled') return `${alert.symbol} is filled already.`;
  if (!isFirst && alert.life.phase === 'posted') return `${alert.symbol} is not filled yet.`;
  if (pieces.some((piece) => piece.kind === 'bad')) return 'One word here is not understood.';
  if (kind === 'trimmed' && fraction === null) return 'How much? half, third, 25%.';
  if (kind === 'target_hit' && target === null) return 'Which target? 1 is the first.';
  if (target !== null && target > alert.targets.length) return `${alert.symbol} has no target ${target}.`;
  if (target !== null && alert.life.targetsHit.includes(target)) return `Target ${target} is hit already.`;
  return price === null && ['trimmed', 'stop_moved', 'closed'].includes(kind) ? 'At which price?' : null;
}

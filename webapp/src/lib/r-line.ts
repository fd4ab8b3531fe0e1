/** Prices of one idea; targets nearest first is not required. */
export interface RLinePrices {
  side: 'long' | 'short';
  entry: string;
  stop: string | null;
  targets: readonly string[];
}

/** Positions on the line in R: the stop is -1, the entry 0. */
export interface RLine {
  targets: number[];
  /** Risk of one unit, in price; for "1R = 3.50". */
  risk: number;
}

/** Where the targets stand in units of the risk. Null without a stop: then there is no R. Profit is positive for shorts too. */
export function rLine({ side, entry, stop, targets }: RLinePrices): RLine | null {
  if (stop === null) return null;
  const risk = Math.abs(Number(entry) - Number(stop));
  if (!(risk > 0)) return null;
  const direction = side === 'long' ? 1 : -1;
  return { risk, targets: targets.map((target) => ((Number(target) - Number(entry)) * direction) / risk) };
}

/** The furthest R shown for a list of lines that share one scale: at least 3, at most 6. */
export function sharedScale(lines: readonly RLine[]): number {
  return Math.min(6, Math.max(3, ...lines.flatMap((line) => line.targets).map((r) => Math.ceil(r))));
}

/** What happened since, in prices; portions are of the first size. */
export interface RLifePrices {
  fill: string | null;
  stop: string | null;
  left: number;
  targetsHit: readonly number[];
  exits: readonly { price: string; portion: number }[];
  isClosed: boolean;
}

/** A stretch of the line; `weight` is the size held there, 0-1. Open: still to be earned. */
export interface RStretch {
  from: number;
  to: number;
  weight: number;
  isOpen: boolean;
}

/** What happened since, on the line, in R. */
export interface RLife {
  fill: number | null;
  /** Where the stop stands when it was moved; null while it stands where it began. */
  stop: number | null;
  /** Numbers of targets, from 1. */
  targetsHit: readonly number[];
  stretches: RStretch[];
  trims: number[];
  exit: number | null;
}

/** Place what happened on the line of an idea. Null without a stop, as `rLine`. */
export function rLife(prices: RLinePrices, life: RLifePrices): RLife | null {
  const line = rLine(prices);
  if (!line) return null;
  const direction = prices.side === 'long' ? 1 : -1;
  // + 0: a short at its entry is 0, not -0.
  const place = (price: string): number => ((Number(price) - Number(prices.entry)) * direction) / line.risk + 0;
  const fill = life.fill === null ? null : place(life.fill);
  const stop = life.stop === null ? null : place(life.stop);
  const exits = life.exits.map(({ price, portion }) => ({ r: place(price), portion }));
  return {
    fill,
    stop: stop === -1 ? null : stop,
    targetsHit: life.targetsHit,
    stretches: fill === null ? [] : stretches(fill, exits, life.isClosed ? 0 : life.left, Math.max(fill, 0, ...line.targets)),
    trims: (life.isClosed ? exits.slice(0, -1) : exits).map(({ r }) => r),
    exit: life.isClosed ? (exits.at(-1)?.r ?? null) : null,
  };
}

/** Thickness is size: on each side of the fill, what was held as far as there. */
function stretches(fill: number, exits: readonly { r: number; portion: number }[], left: number, last: number): RStretch[] {
  const found: RStretch[] = [];
  for (const isGain of [true, false]) {
    const side = exits.filter(({ r }) => (isGain ? r > fill : r < fill)).sort((one, other) => Math.abs(one.r - fill) - Math.abs(other.r - fill));
    let weight = side.reduce((sum, { portion }) => sum + portion, 0) + (isGain ? left : 0);
    let from = fill;
    for (const { r, portion } of side) {
      if (r !== from) found.push({ from, to: r, weight, isOpen: false });
      weight -= portion;
      from = r;
    }
    if (isGain && left > 0 && last > from) found.push({ from, to: last, weight: left, isOpen: true });
  }
  return found;
}

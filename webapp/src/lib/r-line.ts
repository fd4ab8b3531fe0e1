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

const MINUS = '\u2212';

/** A posted price (a decimal string) with thousands separated, its own decimals kept and at least `decimals`: `6,742.25`. */
export function formatPrice(price: string, decimals = 0): string {
  const [whole = '', own = ''] = price.split('.');
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ',');
  const tail = own.padEnd(decimals, '0');
  return tail === '' ? grouped : `${grouped}.${tail}`;
}

/** Decimals that all prices of one idea are shown with: as many as its most exact price has. */
export function decimalsOf(prices: readonly (string | null)[]): number {
  return Math.max(0, ...prices.map((price) => price?.split('.')[1]?.length ?? 0));
}

/** A result in R, always with its sign: `+1.86R`, `−0.30R`. */
export function formatR(r: number): string {
  const sign = r < 0 ? MINUS : '+';
  return `${sign}${Math.abs(r).toFixed(2)}R`;
}

/** What someone typed as a decimal string the server takes (`1,234.5` -> `1234.5`), or null when it is not a price. */
export function parsePrice(typed: string): string | null {
  const plain = typed.trim().replace(/,(?=\d{3}(\D|$))/g, '').replace(/^\$/, '');
  return /^(?:\d+(?:\.\d{1,8})?|\.\d{1,8})$/.test(plain) && Number(plain) > 0 ? plain.replace(/^\./, '0.') : null;
}

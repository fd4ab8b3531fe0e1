const MINUS = '\u2212';

/** A price as it was posted (a decimal string), with thousands separated and its own decimals kept: `6,742.25`. */
export function formatPrice(price: string): string {
  const [whole = '', decimals] = price.split('.');
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ',');
  return decimals === undefined ? grouped : `${grouped}.${decimals}`;
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

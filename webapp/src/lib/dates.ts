const day = new Intl.DateTimeFormat('en-GB', { weekday: 'short', day: 'numeric', month: 'short', year: 'numeric' });
const moment = new Intl.DateTimeFormat('en-GB', {
  day: 'numeric', month: 'short', year: 'numeric', hour: '2-digit', minute: '2-digit', second: '2-digit',
});

/** `Mon, 23 Nov 2026`, in the reader's zone; of an ISO date. */
export function dayOf(iso: string): string {
  return day.format(new Date(iso));
}

/** `23 Nov 2026, 11:42:39`, in the reader's zone; of an ISO date. */
export function momentOf(iso: string): string {
  return moment.format(new Date(iso));
}

/** `21.4 GB`, `5 GB`, `312 MB`: decimal units, as plans are sold. */
export function bytesOf(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  const digits = value >= 100 || Number.isInteger(value) ? 0 : 1;
  return `${value.toFixed(digits)} ${units[unit]}`;
}

import type { ReactNode } from 'react';
import { cn } from './cn';
import { Scroller } from './scroller';

/** A column. On phones rows become cards: only `isMain` and `isKept` columns stay. */
export interface Column<T> {
  key: string;
  head: string;
  cell: (row: T) => ReactNode;
  /** Figures stand at the right. */
  isNumber?: boolean;
  /** Buttons: no head, as narrow as they are. */
  isActions?: boolean;
  isKept?: boolean;
  className?: string;
}

interface TableProps<T> {
  /** Read aloud. */
  label: string;
  columns: Column<T>[];
  rows: readonly T[];
  keyOf: (row: T) => string;
  rowTestId?: string;
}

/** Rows with hairlines; the first column is what the row is about. */
export function Table<T>({ label, columns, rows, keyOf, rowTestId }: TableProps<T>) {
  return (
    <Scroller label={label} className="overflow-x-auto">
      <table className="w-full border-collapse text-left" aria-label={label}>
        <thead>
          <tr className="border-b border-line text-xs text-ink-3">
            {columns.map((column, index) => (
              <th key={column.key} scope="col" className={cn('h-8 px-2 font-medium first:pl-3.5 last:pr-3.5', shape(column, index))}>
                {column.isActions ? <span className="sr-only">{column.head}</span> : column.head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={keyOf(row)} className="border-line not-last:border-b hover:bg-hover" data-testid={rowTestId}>
              {columns.map((column, index) => (
                <td key={column.key} className={cn('h-11 px-2 py-1.5 first:pl-3.5 last:pr-3.5', shape(column, index), column.className)}>
                  {column.cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </Scroller>
  );
}

function shape<T>(column: Column<T>, index: number): string {
  return cn(
    column.isNumber && 'text-right',
    column.isActions && 'w-px whitespace-nowrap text-right',
    index > 0 && !column.isKept && !column.isActions && 'max-md:hidden',
  );
}

import type { ReactNode } from 'react';
import { Button } from './button';
import { Blank, Skeleton } from './states';

interface Query<T> {
  data: T | undefined;
  error: Error | null;
  refetch: () => unknown;
}

interface LoadedProps<T> {
  query: Query<T>;
  /** What did not load, as a title: "Members did not load". */
  failed: string;
  /** The sentence for an error. */
  sentence: (error: Error) => string;
  /** Height of what will be here, as a class. */
  place?: string;
  children: (data: T) => ReactNode;
}

/** Rows of the server: their place while they come, a sentence and a button when they don't. */
export function Loaded<T>({ query, failed, sentence, place = 'h-24', children }: LoadedProps<T>) {
  if (query.data !== undefined) return children(query.data);
  if (!query.error) return <Skeleton className={`m-3.5 ${place}`} />;
  return (
    <div className="grid place-items-center">
      <Blank title={failed} action={<Button onClick={() => void query.refetch()}>Try now</Button>}>
        {sentence(query.error)}
      </Blank>
    </div>
  );
}

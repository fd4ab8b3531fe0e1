import { ApiProblem } from '@/api/problem';
import { sentenceOf } from '@/lib/errors';
import { Button } from '@/ui/button';
import { Spinner } from '@/ui/spinner';
import { Blank } from '@/ui/states';

/** Before it is known who one is: nothing can be drawn yet, or ever without an answer. */
export function Waiting({ error, onRetry }: { error: Error | null; onRetry: () => void }) {
  return (
    <main className="grid h-full place-items-center bg-canvas text-ink-2">
      {error ? (
        <Blank
          isPage
          title="Your account did not load"
          requestId={error instanceof ApiProblem ? error.requestId : null}
          action={<Button onClick={onRetry}>Try now</Button>}
        >
          {sentenceOf(error, 'Try again in a moment.')}
        </Blank>
      ) : (
        <span className="late">
          <Spinner size={20} />
        </span>
      )}
    </main>
  );
}

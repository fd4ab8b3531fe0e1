import { Button } from '@/ui/button';
import { Blank } from '@/ui/states';

/** A page that could not be drawn. Nothing here is known to work but the reload. */
export function FailurePage() {
  return (
    <main className="grid h-full place-items-center bg-canvas">
      <Blank isPage title="This page broke" action={<Button look="primary" onClick={() => location.reload()}>Load again</Button>}>
        The session is not affected: load the page again to come back.
      </Blank>
    </main>
  );
}

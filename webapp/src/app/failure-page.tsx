import { useNavigate } from 'react-router';
import { Button } from '@/ui/button';
import { Blank } from '@/ui/states';
import { useTitle } from '@/ui/use-title';

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

/** An address of ours that leads nowhere. */
export function NoSuchPage() {
  useTitle('No such page');
  const navigate = useNavigate();
  return (
    <main className="grid h-full place-items-center bg-canvas">
      <Blank isPage title="There is no such page" action={<Button look="primary" onClick={() => void navigate('/', { replace: true })}>Go to my rooms</Button>}>
        The address may be cut off, or older than this version of the app.
      </Blank>
    </main>
  );
}

import { useLayoutEffect, useRef } from 'react';
import { cn } from '@/ui/cn';

interface VideoProps {
  track: MediaStreamTrack;
  /** Our own camera looks like a mirror. */
  isMirrored?: boolean;
  fit?: 'contain' | 'cover';
  className?: string;
  testId?: string;
  label: string;
}

/** A track on the page, from the moment it exists: no frame waits for React's next idea. Sound plays elsewhere. */
export function Video({ track, isMirrored = false, fit = 'contain', className, testId, label }: VideoProps) {
  const ref = useRef<HTMLVideoElement>(null);
  useLayoutEffect(() => {
    const element = ref.current;
    if (!element) return;
    element.srcObject = new MediaStream([track]);
    element.play().catch(() => undefined);
    return () => {
      element.srcObject = null;
    };
  }, [track]);
  return (
    <video
      ref={ref}
      muted
      autoPlay
      playsInline
      disablePictureInPicture={false}
      aria-label={label}
      data-testid={testId}
      className={cn('block size-full', fit === 'contain' ? 'object-contain' : 'object-cover', isMirrored && '-scale-x-100', className)}
    />
  );
}

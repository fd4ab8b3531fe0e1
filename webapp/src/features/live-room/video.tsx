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
    const stream = element.srcObject instanceof MediaStream ? element.srcObject : new MediaStream();
    const before = stream.getTracks();
    // In this order and in the same stream: the last picture stays until the new track has one.
    stream.addTrack(track);
    for (const old of before) if (old !== track) stream.removeTrack(old);
    if (element.srcObject !== stream) element.srcObject = stream;
    element.play().catch(() => undefined);
  }, [track]);
  useLayoutEffect(() => {
    const element = ref.current;
    return () => {
      if (element) element.srcObject = null;
    };
  }, []);
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

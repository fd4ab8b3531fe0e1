import { useEffect, useRef } from 'react';

const BARS = 16;

/** How loud the microphone is, before anyone else hears it. Drawn past React. */
export function LevelMeter({ track }: { track: MediaStreamTrack }) {
  const ref = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const context = new AudioContext();
    const analyser = context.createAnalyser();
    analyser.fftSize = 512;
    context.createMediaStreamSource(new MediaStream([track])).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    const timer = setInterval(() => {
      analyser.getFloatTimeDomainData(samples);
      const loudest = samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
      const lit = Math.round(Math.min(1, Math.sqrt(loudest) * 1.2) * BARS);
      for (const [index, bar] of [...(ref.current?.children ?? [])].entries()) bar.setAttribute('data-lit', String(index < lit));
    }, 80);
    return () => {
      clearInterval(timer);
      void context.close();
    };
  }, [track]);
  return (
    <div className="flex items-center gap-2 text-xs text-ink-2">
      <div ref={ref} className="flex gap-0.5" role="img" aria-label="Level of the microphone">
        {Array.from({ length: BARS }, (_, index) => (
          <i key={index} className="h-2.5 w-1 rounded-[1px] bg-line-strong data-[lit=true]:bg-ink" />
        ))}
      </div>
      Say something
    </div>
  );
}

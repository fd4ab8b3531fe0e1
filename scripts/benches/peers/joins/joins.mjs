// The official Node library doing joins as scripts/benches/joins.py does them; prints one line of JSON.
//
// Usage: node joins.mjs CONSUMERS CONCURRENCY SECONDS, with MEDIASOUP_WORKER_BIN in the environment.
import process from 'node:process';

import * as mediasoup from 'mediasoup';

const [consumerCount, concurrency, seconds] = process.argv.slice(2).map(Number);
const loopback = { ip: '127.0.0.1' };

const worker = await mediasoup.createWorker({ logLevel: 'error' });
const webRtcServer = await worker.createWebRtcServer({
  listenInfos: [
    { protocol: 'udp', ...loopback },
    { protocol: 'tcp', ...loopback },
  ],
});
const router = await worker.createRouter({
  mediaCodecs: [
    { kind: 'audio', mimeType: 'audio/opus', clockRate: 48000, channels: 2 },
    { kind: 'video', mimeType: 'video/VP8', clockRate: 90000 },
  ],
});
const source = await router.createPlainTransport({ listenInfo: { protocol: 'udp', ...loopback }, comedia: true });
const audio = await source.produce({
  kind: 'audio',
  rtpParameters: {
    mid: 'A',
    codecs: [{ mimeType: 'audio/opus', payloadType: 100, clockRate: 48000, channels: 2 }],
    encodings: [{ ssrc: 1000 }],
  },
});
const video = await source.produce({
  kind: 'video',
  rtpParameters: {
    mid: 'V',
    codecs: [{ mimeType: 'video/VP8', payloadType: 101, clockRate: 90000 }],
    encodings: [1, 2, 3].map(layer => ({ ssrc: 2000 + layer, scalabilityMode: 'L1T3' })),
  },
});
const producers = Array.from({ length: consumerCount }, (_, index) => (index % 2 ? video : audio));
const { rtpCapabilities } = router;

async function join() {
  const [, receive] = await Promise.all([
    router.createWebRtcTransport({ webRtcServer, preferUdp: true }),
    router.createWebRtcTransport({ webRtcServer, preferUdp: true }),
  ]).then(transports => {
    open.push(...transports);
    return transports;
  });
  const consumers = await Promise.all(
    producers.map(({ id }) => receive.consume({ producerId: id, rtpCapabilities, paused: true })),
  );
  await Promise.all(consumers.map(consumer => consumer.resume()));
}

const open = [];

async function joinUntil(end) {
  let count = 0;
  while (performance.now() < end) {
    await join();
    count += 1;
    // People leave too, or the worker grows without end.
    while (open.length > 4 * concurrency) open.shift().close();
  }
  return count;
}

async function measure(duration) {
  const began = performance.now();
  const cpu = process.cpuUsage();
  const counts = await Promise.all(Array.from({ length: concurrency }, () => joinUntil(began + duration * 1000)));
  const took = (performance.now() - began) / 1000;
  const used = process.cpuUsage(cpu);
  const joins = counts.reduce((one, other) => one + other);
  return {
    joins_per_s: joins / took,
    driver_cpu_ms_per_join: (used.user + used.system) / 1000 / joins,
    driver_mib: process.memoryUsage.rss() / 1048576,
  };
}

await measure(1);
console.log(JSON.stringify(await measure(seconds)));
worker.close();

// A plain mediasoup application: one room, one worker, one WebSocket per page, as its documentation shows it.
// Usage: MEDIASOUP_WORKER_BIN=… node server.mjs HTTP_PORT RTC_PORT
import http from 'node:http'
import { readFile } from 'node:fs/promises'
import * as mediasoup from 'mediasoup'
import { WebSocketServer } from 'ws'
import { buildSync } from 'esbuild'

const [httpPort, rtcPort] = process.argv.slice(2).map(Number)
const here = new URL('.', import.meta.url)
const bundle = buildSync({
  entryPoints: [new URL('page.mjs', here).pathname],
  bundle: true,
  format: 'esm',
  minify: true,
  write: false,
})
const script = bundle.outputFiles[0].contents
const page = await readFile(new URL('page.html', here))

const worker = await mediasoup.createWorker({ logLevel: 'error' })
worker.on('died', () => process.exit(1))
const listenInfos = ['udp', 'tcp'].map((protocol) => ({ protocol, ip: '127.0.0.1', port: rtcPort }))
const webRtcServer = await worker.createWebRtcServer({ listenInfos })
const router = await worker.createRouter({
  mediaCodecs: [
    { kind: 'audio', mimeType: 'audio/opus', clockRate: 48000, channels: 2 },
    {
      kind: 'video',
      mimeType: 'video/H264',
      clockRate: 90000,
      parameters: { 'packetization-mode': 1, 'profile-level-id': '42e01f', 'level-asymmetry-allowed': 1 },
    },
    { kind: 'video', mimeType: 'video/VP8', clockRate: 90000 },
  ],
})

const producers = new Map()

const requests = {
  capabilities: () => router.rtpCapabilities,
  async transport(page) {
    const transport = await router.createWebRtcTransport({ webRtcServer, initialAvailableOutgoingBitrate: 1_000_000 })
    page.transports.set(transport.id, transport)
    const { id, iceParameters, iceCandidates, dtlsParameters } = transport
    return { id, iceParameters, iceCandidates, dtlsParameters }
  },
  connect: (page, { id, dtlsParameters }) => page.transports.get(id).connect({ dtlsParameters }),
  async produce(page, { id, kind, rtpParameters }) {
    const producer = await page.transports.get(id).produce({ kind, rtpParameters })
    producers.set(producer.id, producer)
    producer.observer.on('close', () => producers.delete(producer.id))
    return { id: producer.id }
  },
  // All producers at once: the fewest round trips that the usual signaling allows.
  consume: (page, { id, rtpCapabilities }) =>
    Promise.all(
      [...producers.keys()].map(async (producerId) => {
        const consumer = await page.transports.get(id).consume({ producerId, rtpCapabilities, paused: true })
        page.consumers.set(consumer.id, consumer)
        const { kind, rtpParameters } = consumer
        return { id: consumer.id, producerId, kind, rtpParameters }
      }),
    ),
  resume: (page, { ids }) => Promise.all(ids.map((id) => page.consumers.get(id).resume())),
}

const server = http.createServer((request, response) => {
  const isScript = request.url === '/page.js'
  response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html; charset=utf-8')
  response.end(isScript ? script : page)
})
new WebSocketServer({ server }).on('connection', (socket) => {
  const page = { transports: new Map(), consumers: new Map() }
  socket.on('message', async (text) => {
    const { id, method, data } = JSON.parse(text)
    try {
      socket.send(JSON.stringify({ id, data: (await requests[method](page, data)) ?? {} }))
    } catch (error) {
      socket.send(JSON.stringify({ id, error: String(error) }))
    }
  })
  socket.on('close', () => page.transports.forEach((transport) => transport.close()))
})
server.listen(httpPort, '127.0.0.1', () => console.log('ready'))

// The page of the plain application: publish the camera and microphone, or join and watch.
import { Device } from 'mediasoup-client'

async function open() {
  const socket = new WebSocket(`ws://${location.host}/`)
  await new Promise((done, failed) => {
    socket.onopen = done
    socket.onerror = failed
  })
  const waiting = new Map()
  let next = 0
  socket.onmessage = ({ data }) => {
    const answer = JSON.parse(data)
    const { resolve, reject } = waiting.get(answer.id)
    waiting.delete(answer.id)
    answer.error ? reject(new Error(answer.error)) : resolve(answer.data)
  }
  return (method, data = {}) =>
    new Promise((resolve, reject) => {
      waiting.set(++next, { resolve, reject })
      socket.send(JSON.stringify({ id: next, method, data }))
    })
}

async function prepare(ask) {
  const device = new Device()
  await device.load({ routerRtpCapabilities: await ask('capabilities') })
  return device
}

function answerConnect(transport, ask) {
  transport.on('connect', ({ dtlsParameters }, done, failed) =>
    ask('connect', { id: transport.id, dtlsParameters }).then(done, failed),
  )
}

document.querySelector('#publish').onclick = async () => {
  const stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: { width: 1280, height: 720 } })
  const ask = await open()
  const device = await prepare(ask)
  const transport = device.createSendTransport(await ask('transport'))
  answerConnect(transport, ask)
  transport.on('produce', ({ kind, rtpParameters }, done, failed) =>
    ask('produce', { id: transport.id, kind, rtpParameters }).then(done, failed),
  )
  for (const track of stream.getTracks()) await transport.produce({ track })
  document.body.dataset.state = 'publishing'
}

document.querySelector('#join').onclick = async () => {
  const ask = await open()
  const device = await prepare(ask)
  const transport = device.createRecvTransport(await ask('transport'))
  answerConnect(transport, ask)
  const offers = await ask('consume', { id: transport.id, rtpCapabilities: device.rtpCapabilities })
  const consumers = await Promise.all(offers.map((offer) => transport.consume(offer)))
  for (const { kind, track } of consumers) {
    document.querySelector(kind === 'video' ? '#video' : '#audio').srcObject = new MediaStream([track])
  }
  await ask('resume', { ids: consumers.map(({ id }) => id) })
}

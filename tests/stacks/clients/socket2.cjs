// As socket.cjs, over a stream of HTTP/2 (extended CONNECT, RFC 8441). `ws` speaks the protocol; it opens no such stream by
// itself, so it is given one, on the client's side of it.
//     node socket2.cjs ORIGIN PATH
const http2 = require('node:http2')
const { WebSocket } = require('ws')

const session = http2.connect(process.argv[2])
session.on('error', error => console.log(`session error ${error.code}`))
session.on('goaway', code => console.log(`goaway ${code}`))
session.on('close', () => {
  console.log('session closed')
  process.exit(0)
})
session.on('remoteSettings', settings => {
  if (!settings.enableConnectProtocol) {
    console.log('the server knows no extended CONNECT')
    process.exit(1)
  }
  const stream = session.request({
    ':method': 'CONNECT', ':protocol': 'websocket', ':path': process.argv[3], 'sec-websocket-version': '13'
  })
  stream.on('error', error => console.log(`stream error ${error.code}`))
  stream.on('response', headers => {
    console.log(`answered ${headers[':status']}`)
    const socket = new WebSocket(null, undefined, { autoPong: true })
    socket._isServer = false
    // What `ws` asks of a socket beside being a stream.
    stream.setNoDelay = () => {}
    socket.setSocket(stream, Buffer.alloc(0), { allowSynchronousEvents: true, maxPayload: 1 << 20, skipUTF8Validation: false })
    socket.on('message', text => console.log(`heard ${text}`))
    socket.on('error', error => console.log(`error ${error.message}`))
    socket.on('close', (code, reason) => console.log(`closed with ${code} ${reason}`.trim()))
    socket.send('hello')
  })
})

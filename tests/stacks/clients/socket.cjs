// A WebSocket client that says hello, hears it back, and stays. Says how the connection ends.
//     node socket.cjs URL
const { WebSocket } = require('ws')

const socket = new WebSocket(process.argv[2])
socket.on('open', () => socket.send('hello'))
socket.on('message', text => console.log(`heard ${text}`))
socket.on('error', error => console.log(`error ${error.message}`))
socket.on('close', (code, reason) => {
  console.log(`closed with ${code} ${reason}`.trim())
  process.exit(0)
})

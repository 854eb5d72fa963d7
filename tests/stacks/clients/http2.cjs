// One HTTP/2 session: a request that takes long, and one more after the server has said that it goes.
//     node http2.cjs ORIGIN SLOW_PATH
const http2 = require('node:http2')

const session = http2.connect(process.argv[2])
session.on('goaway', code => console.log(`goaway ${code}`))
session.on('error', error => console.log(`error ${error.code}`))
session.on('close', () => {
  console.log('closed')
  process.exit(0)
})
const request = session.request({ ':path': process.argv[3], ':method': 'POST' })
let head
let body = ''
request.on('response', headers => { head = headers })
request.on('data', chunk => { body += chunk })
request.on('error', error => console.log(`stream error ${error.code}`))
request.on('end', () => console.log(`answered ${head?.[':status']} connection=${head?.connection} ${body}`.trim()))
request.end('{}')

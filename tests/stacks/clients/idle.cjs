// A keep-alive client with an answered request and nothing more to ask. Says how its connection ends.
//     node idle.cjs URL
const http = require('node:http')

// An idle connection alone does not keep Node running.
setInterval(() => {}, 60_000)
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
http.get(process.argv[2], { agent }, response => {
  const { socket } = response
  let error
  socket.on('error', met => { error = met })
  socket.on('close', () => {
    console.log(error ? `closed by ${error.code}` : 'closed in order')
    process.exit(0)
  })
  response.resume()
  response.on('end', () => console.log(`idle after ${response.statusCode}`))
})

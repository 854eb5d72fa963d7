// Keep-alive clients that ask without a pause until nobody listens any more. Prints "going" once all of them have been
// answered, and the tally at the end.
//     node hammer.cjs URL CLIENTS http|undici
const http = require('node:http')

const [url, clients, by] = [process.argv[2], Number(process.argv[3]), process.argv[4]]
const tally = { ok: 0, refused: 0, unreachable: 0, wrong: [] }
let answered = 0

function byHttp() {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
  return () => new Promise((resolve, reject) => {
    const request = http.request(url, { agent, method: 'POST' }, response => {
      let body = ''
      response.on('data', chunk => { body += chunk })
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, body }))
      response.on('error', reject)
    })
    request.on('error', reject)
    request.end('{"item":"tea"}')
  })
}

function byUndici() {
  const { Pool } = require('undici')
  const { origin, pathname } = new URL(url)
  const pool = new Pool(origin, { connections: 1 })
  return async () => {
    const response = await pool.request({ path: pathname, method: 'POST', body: '{"item":"tea"}' })
    return { status: response.statusCode, headers: response.headers, body: await response.body.text() }
  }
}

async function keepAsking(ask) {
  for (let first = true; ; first = false) {
    let response
    try {
      response = await ask()
    } catch (error) {
      const code = error.code ?? error.errors?.[0]?.code
      if (code === 'ECONNREFUSED') tally.unreachable += 1
      else tally.wrong.push(`${code}: ${error.message}`)
      return
    }
    const { status, headers, body } = response
    if (status === 200) tally.ok += 1
    else if (status === 503 && headers['retry-after'] === '1' && headers.connection === 'close') tally.refused += 1
    else tally.wrong.push(`${status} ${JSON.stringify(headers)} ${body}`)
    if (first && ++answered === clients) console.log('going')
  }
}

const all = Array.from({ length: clients }, () => keepAsking(by === 'undici' ? byUndici() : byHttp()))
Promise.all(all).then(() => {
  console.log(JSON.stringify(tally))
  process.exit(0)
})

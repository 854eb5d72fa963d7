// A client on the protocol's own SDK for Node: of a server at a URL, or of one that it starts.

const { Client } = require('@modelcontextprotocol/sdk/client/index.js');
const { StdioClientTransport } = require('@modelcontextprotocol/sdk/client/stdio.js');
const { StreamableHTTPClientTransport } = require('@modelcontextprotocol/sdk/client/streamableHttp.js');
const peer = require('peer.cjs');

const [where] = process.argv.slice(2);
const overHttp = where.startsWith('http:');

// Every response of the server, and how it has ended: complete, broken, or left by the client.
const responses = [];

async function watched(url, init) {
  const response = await fetch(url, init);
  const seen = { method: init?.method ?? 'GET', status: response.status, end: response.body ? 'open' : 'complete' };
  responses.push(seen);
  if (!response.body) return response;
  const reader = response.body.getReader();
  const body = new ReadableStream({
    async pull(controller) {
      try {
        const { done, value } = await reader.read();
        if (seen.end === 'left') return;
        if (!done) return controller.enqueue(value);
        seen.end = 'complete';
        controller.close();
      } catch (error) {
        seen.end = 'broken';
        controller.error(error);
      }
    },
    cancel(reason) {
      seen.end = 'left';
      return reader.cancel(reason);
    },
  });
  return new Response(body, response);
}

const transport = overHttp
  ? new StreamableHTTPClientTransport(new URL(where), {
      fetch: watched,
      // There is nobody to come back to.
      reconnectionOptions: { maxRetries: 0 },
    })
  : new StdioClientTransport({ command: where, env: process.env, stderr: 'pipe' });

let stderr = '';
transport.stderr?.on('data', (text) => (stderr += text));
const client = new Client({ name: 'node', version: '1' });
const errors = [];
// It looks for the server once more when its stream has ended, however that has.
client.onerror = ({ message }) => message.startsWith('Maximum reconnection attempts') || errors.push(message);
const closed = new Promise((resolve) => (client.onclose = resolve));

const calls = new Map();

function call(tool, args, id) {
  const request = { name: tool, arguments: args ?? {}, ...(id && { _meta: { correlationId: id } }) };
  return client.callTool(request).then(
    (result) => ({ text: result.content[0]?.text, structured: result.structuredContent ?? null, failed: !!result.isError }),
    (error) => ({ code: error.code, message: error.message }),
  );
}

const answers = {
  tools: async () => (await client.listTools()).tools.map((tool) => tool.name).sort(),
  call: ({ tool, arguments: args, id }) => call(tool, args, id),
  begin: ({ tool, arguments: args, id }) => void calls.set(id, call(tool, args, id)),
  result: ({ id }) => calls.get(id),
  pid: () => transport.pid,
  leave: () => client.close(),
  // How the connection has ended.
  end: async () => {
    if (overHttp) return { responses, errors };
    // The SDK does not tell how its child has ended; once `closed`, it no longer has it.
    await closed;
    return { ...(await ended), stderr: stderr.split('\n'), errors };
  },
};

let ended;

async function main() {
  await client.connect(transport);
  if (!overHttp) {
    ended = new Promise((resolve) => transport._process.on('close', (code, signal) => resolve({ code, signal })));
  }
  peer.serve((question) => answers[question.ask](question));
}

main();

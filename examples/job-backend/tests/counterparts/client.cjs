// Who gives the service jobs and hears from it: `client.cjs <port of Redis> <port of the service>`.
const { Queue } = require('bullmq');
const { Redis } = require('ioredis');
const { io } = require('socket.io-client');
const peer = require('peer.cjs');

const [redis, service] = process.argv.slice(2);
const OURS = 'the-test';
const connection = new Redis({ port: Number(redis), connectionName: OURS, maxRetriesPerRequest: null });
const queue = new Queue('instructions', { connection });
const heard = [];

const asks = {
  // Returns the ids.
  enqueue: async ({ jobs }) => {
    const added = await queue.addBulk(jobs.map((data) => ({ name: 'instruction', data })));
    return added.map((job) => job.id);
  },
  counts: () => queue.getJobCounts('active', 'wait', 'completed', 'failed'),
  job: async ({ id }) => {
    const job = await queue.getJob(id);
    return { state: await job.getState(), output: job.returnvalue };
  },
  // How many connections to Redis are not ours.
  connections: async () => {
    const list = await connection.client('LIST');
    return list.trim().split('\n').filter((line) => !line.includes(` name=${OURS} `)).length;
  },
  connect: () =>
    new Promise((resolve, reject) => {
      const socket = io(`http://127.0.0.1:${service}/claude-daemon`, { reconnection: false });
      socket.onAny((event, what) => heard.push({ event, what }));
      socket.on('disconnect', (what) => heard.push({ event: 'disconnect', what }));
      socket.on('connect', () => resolve(socket.id));
      socket.on('connect_error', reject);
    }),
  heard: () => heard,
};

queue.waitUntilReady().then(() => peer.serve((question) => asks[question.ask](question)));

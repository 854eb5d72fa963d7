// How a counterpart talks with the test: a question is a line of JSON on stdin, its answer a line on stdout. As peer.py.

const readline = require('node:readline');

// Says that it is ready, then answers until the test has closed stdin, which is also the end of the process.
exports.serve = (answer) => {
  let number = 0;
  // One after the other: the test awaits each answer.
  readline
    .createInterface({ input: process.stdin })
    .on('line', async (line) => {
      const asked = ++number;
      let reply;
      try {
        reply = await answer(JSON.parse(line));
      } catch (error) {
        reply = { error: String(error?.stack ?? error) }; // the test reads it
      }
      console.log(`answer ${asked} ${JSON.stringify(reply ?? null)}`);
    })
    .on('close', () => process.exit());
  console.log('ready');
};

// A daemon that does jobs: `daemon.cjs <folder> <name>`. An instruction says what its output is, and may name a file that
// has to be there first. In the folder, `stubborn` makes it deaf to SIGTERM.
const fs = require('node:fs');
const path = require('node:path');
const readline = require('node:readline');

const [folder, name] = process.argv.slice(2);
// As long as it does not wait, a line is written whole.
const note = (line) => fs.writeSync(2, `${name} ${process.pid} ${line}\n`);

process.on('SIGTERM', () => {
  note('was told to end');
  if (!fs.existsSync(path.join(folder, 'stubborn'))) process.exit(0);
});
// Whatever it is at: nobody is there to take the result.
process.stdin.on('end', () => {
  note('has lost the service');
  process.exit(0);
});

const until = async (file) => {
  while (!fs.existsSync(file)) await new Promise((resolve) => setTimeout(resolve, 10));
};

const main = async () => {
  note('is there');
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const { job, instruction } = JSON.parse(line);
    note(`begins ${job}`);
    if (instruction.after) await until(instruction.after);
    const { say } = instruction;
    console.log(JSON.stringify(say === undefined ? { error: 'there is nothing to say' } : { output: say }));
    note(`has done ${job}`);
  }
}
main();

/** What acceptance line 6.4 measures at a shell's prompt, of either emulator: CPU while nothing happens, time from a key to its echo. */

const SETTLE_MS = 5000;
const BETWEEN_KEYS_MS = 40;
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** `send(byte)` types; `hear(listener)` calls for every byte of output. Percent of one CPU, all threads; milliseconds. */
export async function atPrompt({ seconds, keys, send, hear }) {
  await pause(SETTLE_MS);
  const before = process.cpuUsage();
  const started = performance.now();
  await pause(seconds * 1000);
  const { user, system } = process.cpuUsage(before);
  const idlePercent = (user + system) / 10 / (performance.now() - started);
  const echoes = [];
  let echoed = () => {};
  hear(() => echoed());
  for (let n = 0; n < keys; n++) {
    const typed = performance.now();
    const answer = new Promise((resolve) => {
      echoed = resolve;
    });
    send("x".charCodeAt(0));
    await answer;
    echoes.push(performance.now() - typed);
    // Not always the same distance from the guest's timer.
    await pause(BETWEEN_KEYS_MS + (n % 7));
  }
  echoes.sort((a, b) => a - b);
  return { idlePercent, echoMs: echoes[keys >> 1], slowestEchoMs: echoes.at(-1) };
}

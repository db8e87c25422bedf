/**
 * One side of acceptance line 8.2, in a process of its own; prints one line of JSON.
 *   node snapshot-side.mjs ours save FILE --kernel F --initrd F --append S --memory MB --prompt TEXT [--library F]
 *   node snapshot-side.mjs ours answer FILE [--library F]
 *   node snapshot-side.mjs v86 save|answer FILE … --bios F --vgabios F
 * `save` boots to the prompt and writes the state while the guest is idle; `answer` goes on from it and waits for a command's answer.
 */
import { open, readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { DIST } from "../lib/paths.mjs";

const [system, verb, file] = process.argv.slice(2, 5);
const options = {};
for (let n = 5; n < process.argv.length; n += 2) options[process.argv[n].replace(/^--/, "")] = process.argv[n + 1];
const MB = 1 << 20;
const COMMAND = "echo the-$((6*7))nd\n";
const ANSWER = "the-42nd";
const say = (result) => {
  console.log(JSON.stringify(result));
  process.exit(0);
};
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** The largest resident memory in MB while `work` goes on, above that just before. */
async function above(work) {
  globalThis.gc?.();
  const before = process.memoryUsage.rss();
  let most = before;
  const timer = setInterval(() => {
    most = Math.max(most, process.memoryUsage.rss());
  }, 2);
  const result = await work();
  most = Math.max(most, process.memoryUsage.rss());
  clearInterval(timer);
  return { result, mb: (most - before) / MB };
}

/** The longest time in ms for which nothing else had its turn while `work` goes on: the guest is on the same thread. */
async function longestPause(work) {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  await sleep(20);
  delay.reset();
  const result = await work();
  delay.disable();
  return { result, ms: delay.max / 1e6 };
}

async function ours() {
  const { Machine, SnapshotFile } = await import(options.library ?? join(DIST, "lib/vitrine.js"));
  if (verb === "answer") {
    const handle = await open(file, "r");
    const { size } = await handle.stat();
    const read = async (position, length) => {
      const bytes = new Uint8Array(length);
      await handle.read(bytes, 0, length, position);
      return bytes;
    };
    const { result: machine, mb } = await above(async () =>
      Machine.fromSnapshot(await SnapshotFile.open({ size, read }), { lazy: options.lazy === "yes" }),
    );
    const loadedMs = performance.now();
    machine.serial(0).write(COMMAND);
    await machine.run({ text: ANSWER, wallSeconds: 60 });
    return say({ answerMs: performance.now(), loadedMs, loadAboveMb: mb });
  }
  const bytes = async (path) => new Uint8Array(await readFile(path));
  const boot = { kind: "linux", kernel: await bytes(options.kernel), initrd: await bytes(options.initrd), commandLine: options.append };
  const machine = await Machine.create({ memoryMb: Number(options.memory), boot });
  await machine.run({ text: options.prompt });
  machine.start();
  await sleep(2000);
  const write = async (captured, path, parent) => {
    const handle = await open(path, "w");
    const sink = { write: async (position, data) => void (await handle.write(data, 0, data.length, position)) };
    try {
      return await captured.save(sink, parent ? { parent } : {});
    } finally {
      await handle.close();
    }
  };
  // What is asked for between two slices only: a timer's turn is.
  const changed = {};
  const saved = await above(() =>
    longestPause(async () => {
      changed.since = machine.trackWrites();
      return write(machine.capture(), file);
    }),
  );
  const whole = saved.result.result;
  await sleep(5000);
  const same = Uint8Array.from({ length: Number(options.memory) * 256 }, (_, frame) => (changed.since.has(frame) ? 0 : 1));
  const isParents = (frame) => same[frame] === 1;
  const next = await longestPause(() => write(machine.capture(isParents), `${file}.next`, { id: whole.id, isParents }));
  return say({
    bytes: whole.size,
    pauseMs: saved.result.ms,
    saveAboveMb: saved.mb,
    incrementalBytes: next.result.size,
    incrementalPauseMs: next.ms,
  });
}

async function v86() {
  const folder = dirname(createRequire(import.meta.url).resolve("v86/build/libv86.mjs"));
  const { V86 } = await import(join(folder, "libv86.mjs"));
  const buffer = async (path) => {
    const bytes = await readFile(path);
    const padded = new Uint8Array((bytes.length + 3) & ~3);
    padded.set(bytes);
    return { buffer: padded.buffer };
  };
  const images = {
    ...{ bzimage: await buffer(options.kernel), initrd: await buffer(options.initrd), cmdline: options.append },
    ...(verb === "answer" ? { initial_state: await buffer(file) } : {}),
  };
  const emulator = new V86({
    ...{ wasm_path: join(folder, "v86.wasm"), bios: await buffer(options.bios), vga_bios: await buffer(options.vgabios), ...images },
    ...{ memory_size: Number(options.memory) * MB, vga_memory_size: 8 * MB, autostart: true, acpi: false, log_level: 0 },
  });
  let text = "";
  let wanted = verb === "answer" ? ANSWER : options.prompt;
  let reached;
  const seen = new Promise((resolve) => {
    reached = resolve;
  });
  emulator.add_listener("serial0-output-byte", (byte) => {
    text = (text + String.fromCharCode(byte)).slice(-100);
    if (text.endsWith(wanted)) reached();
  });
  if (verb === "answer") {
    await new Promise((resolve) => emulator.add_listener("emulator-started", resolve));
    emulator.serial0_send(COMMAND);
    await seen;
    return say({ answerMs: performance.now() });
  }
  await seen;
  wanted = "\0";
  await sleep(2000);
  const saved = await above(() => longestPause(() => emulator.save_state()));
  const state = new Uint8Array(saved.result.result);
  await writeFile(file, state);
  return say({ bytes: state.length, pauseMs: saved.result.ms, saveAboveMb: saved.mb });
}

await (system === "ours" ? ours() : v86());

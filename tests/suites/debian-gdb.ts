/**
 * Debian's own i386 gdb over a small program of ours, run by its package's loader and libraries in the Debian guest and, where
 * this machine allows it, natively: single steps (TF), software breakpoints (INT3), hardware breakpoints and watchpoints (DR0-7),
 * all as the guest's kernel hands them on through ptrace.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { assemble } from "../../web/assembler/assemble";
import type { LinuxGuest } from "../boot/prepared-guests";
import { packageFiles } from "../tools/debian-packages";
import { type GuestFile, GuestPrograms } from "./guest-programs";

/** gdb-minimal and what its libraries need, down to those of the debuginfod client that it is linked with. */
const PACKAGES =
  "gdb-minimal libc6 libbrotli1 libbz2-1.0 libcom-err2 libcurl3-gnutls libdebuginfod1 libdw1 libelf1 libexpat1 libffi8 libgcc-s1 libgmp10 libgnutls30 libgssapi-krb5-2 libhogweed6 libidn2-0 libipt2 libk5crypto3 libkeyutils1 libkrb5-3 libkrb5support0 libldap-2.5-0 liblzma5 libnettle8 libnghttp2-14 libp11-kit0 libpsl5 libreadline8 librtmp1 libsasl2-2 libssh2-1 libssl3 libstdc++6 libtasn1-6 libtinfo6 libunistring2 libxxhash0 libzstd1 zlib1g".split(
    " ",
  );
const LIB = "lib/i386-linux-gnu";
const WANTED = new RegExp(`^(usr/bin/gdb|(usr/)?${LIB}/(ld-linux\\.so\\.2|lib[^/]*\\.so[^/]*))$`);

const BASE = 0x8048000;
/** An i386 executable of one segment. `total` counts up by 5, 4, 3, 2, 1; the exit status is their sum. */
const PROGRAM = `bits 32
org ${BASE}
db 0x7f, 'ELF', 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0
dw 2, 3
dd 1, start, 52, 0, 0
dw 52, 32, 1, 0, 0, 0
dd 1, 0, ${BASE}, ${BASE}, program_end-${BASE}, program_end-${BASE}, 7, 0x1000
start: mov ecx, 5
xor eax, eax
again: add eax, ecx
store: mov [total], eax
dec ecx
jnz again
call leaf
after: mov esi, total
mov edi, copy
mov ecx, 4
copying: rep movsb
pushfd
pop eax
prefixed: mov edx, [copy]
mov ebx, edx
mov eax, 1
quit: int 0x80
leaf: mov edx, 0x1234
ret
align 4
total: dd 0
copy: dd 0
spare: dd 0
program_end:
`;

function program(): { readonly bytes: Uint8Array; address(label: string): string } {
  const { bytes, errors, labels } = assemble(PROGRAM, { bits: 32, org: BASE });
  if (errors.length > 0) throw new Error(`line ${errors[0]!.line}: ${errors[0]!.message}`);
  return { bytes, address: (label) => `0x${labels.get(label)!.toString(16)}` };
}

/** gdb's commands, with a line of the answers that each group must give: what the program's text says, not what a run gave. */
function session(address: (label: string) => string): { readonly commands: string; readonly expected: readonly string[] } {
  const commands: string[] = [
    "set pagination off",
    "set confirm off",
    "set startup-with-shell off",
    "set width 0",
    "set debuginfod enabled off",
    "starti",
  ];
  const expected: string[] = [];
  const say = (format: string, ...values: readonly string[]): void => {
    commands.push(`printf "${format}\\n"${values.map((value) => `, ${value}`).join("")}`);
  };
  const group = (name: string, lines: readonly string[], answers: readonly string[]): void => {
    say(`== ${name}`);
    commands.push(...lines);
    expected.push(`== ${name}`, ...answers);
  };
  const at = (label: string): string => address(label);
  const where = `printf "at %#x eax %d ecx %d\\n", $pc, $eax, $ecx`;

  group(
    "single steps",
    Array.from({ length: 8 }, () => ["stepi", where]).flat(),
    [
      [`0x${(Number(at("start")) + 5).toString(16)}`, 0, 5],
      [at("again"), 0, 5],
      [at("store"), 5, 5],
      [`0x${(Number(at("store")) + 5).toString(16)}`, 5, 5],
      [`0x${(Number(at("store")) + 6).toString(16)}`, 5, 4],
      [at("again"), 5, 4],
      [at("store"), 9, 4],
      [`0x${(Number(at("store")) + 5).toString(16)}`, 9, 4],
    ].map(([pc, eax, ecx]) => `at ${pc} eax ${eax} ecx ${ecx}`),
  );
  group(
    "hardware watchpoint",
    [`watch *(int *) ${at("total")}`, ...["continue", where, "continue", where, "delete"]],
    [`Hardware watchpoint 1: *(int *) ${at("total")}`, "Old value = 9", "New value = 12", "Old value = 12", "New value = 14"],
  );
  group(
    "watchpoint with a condition",
    [`watch *(int *) ${at("total")} if *(int *) ${at("total")} == 15`, "continue", where, "delete"],
    ["Old value = 14", "New value = 15", `at 0x${(Number(at("store")) + 5).toString(16)} eax 15 ecx 1`],
  );
  group("software breakpoint", [`break *${at("leaf")}`, "continue", where, "x/i $pc"], [`at ${at("leaf")} eax 15 ecx 0`]);
  group("step out of it", ["stepi", "stepi", where, "delete"], [`at ${at("after")} eax 15 ecx 0`]);
  group(
    "hardware breakpoint",
    [`hbreak *${at("copying")}`, "continue", where, "delete"],
    [`Hardware assisted breakpoint 4 at ${at("copying")}`, `at ${at("copying")} eax 15 ecx 4`],
  );
  group(
    "steps of a repeated instruction",
    Array.from({ length: 4 }, () => ["stepi", where]).flat(),
    [3, 2, 1]
      .map((left) => `at ${at("copying")} eax 15 ecx ${left}`)
      .concat(`at 0x${(Number(at("copying")) + 2).toString(16)} eax 15 ecx 0`),
  );
  group("PUSHF while stepping shows TF", ["stepi", "stepi", `printf "TF %d\\n", $eax & 0x100`], ["TF 256"]);
  group(
    "read watchpoint",
    [`rwatch *(int *) ${at("copy")}`, "continue", `printf "at %#x edx %d\\n", $pc, $edx`, "delete"],
    [`Hardware read watchpoint 5: *(int *) ${at("copy")}`, "Value = 15", `at 0x${(Number(at("prefixed")) + 6).toString(16)} edx 15`],
  );
  group("into the system call", [`break *${at("quit")}`, "continue", `printf "ebx %d\\n", $ebx`, "stepi"], ["ebx 15"]);
  return { commands: `${commands.join("\n")}\n`, expected };
}

export interface DebianGdbResult {
  /** What gdb printed in the guest. */
  readonly guest: string;
  /** Expected answers that did not come, or came in another order. */
  readonly missing: readonly string[];
  readonly expected: number;
  /** Lines that a native run of the same gdb prints otherwise; undefined where this machine forbids it. */
  readonly differences: readonly string[] | undefined;
}

/** Throws GuestsError where the packages cannot be had. */
export async function runDebianGdb(guest: LinuxGuest): Promise<DebianGdbResult> {
  const { bytes, address } = program();
  const { commands, expected } = session(address);
  const packaged = await packageFiles(PACKAGES, (path) => WANTED.test(path));
  const files: GuestFile[] = packaged.map(({ name, data }) => ({ path: name, data }));
  for (const { name } of packaged) {
    const soname =
      /^(.*\.so\.\d+)\.[\d.]+$/.exec(name)?.[1] ?? /^(.*\/lib(?:elf|dw|debuginfod))-[\d.]+\.so$/.exec(name)?.[1]?.concat(".so.1");
    if (soname) files.push({ path: soname, data: new Uint8Array(), target: basename(name) });
  }
  files.push({ path: "commands", data: new TextEncoder().encode(commands) }, { path: "program", data: bytes });
  const line = `HOME=/ TERM=dumb ${LIB}/ld-linux.so.2 --library-path ${LIB}:usr/${LIB} usr/bin/gdb -nx -nh -batch -x commands ./program`;

  const native = runNatively(files, line);
  const programs = await GuestPrograms.boot(
    guest,
    files.map((file) => ({ ...file, path: `suite/${file.path}` })),
    { cpu: "max" },
  );
  const { output } = await programs.run("/suite", line);
  const text = Buffer.from(output).toString("latin1");
  return {
    guest: text,
    missing: missingLines(text, expected),
    expected: expected.length,
    differences: native === undefined ? undefined : differentLines(text, native),
  };
}

/** The native answer, or undefined where processes may not be traced here. */
function runNatively(files: readonly GuestFile[], line: string): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), "vitrine-debian-gdb-"));
  try {
    for (const { path, data, target } of files) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      if (target === undefined) writeFileSync(join(folder, path), data, { mode: 0o755 });
      else symlinkSync(target, join(folder, path));
    }
    const { stdout } = spawnSync("sh", ["-c", `{ ${line}; } 2>&1`], { cwd: folder, encoding: "utf8", timeout: 60_000 });
    return /^== single steps$/m.test(stdout) && !/ptrace|Could not insert hardware/.test(stdout) ? stdout : undefined;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const linesOf = (text: string): string[] =>
  text
    .split("\n")
    .map((line) => line.trimEnd())
    .filter((line) => line !== "" && !/process \d+|Inferior \d+/.test(line));

/** The expected lines that do not follow each other in `text`. */
function missingLines(text: string, expected: readonly string[]): string[] {
  const lines = linesOf(text);
  const missing: string[] = [];
  let from = 0;
  for (const want of expected) {
    const found = lines.indexOf(want, from);
    if (found < 0) missing.push(want);
    else from = found + 1;
  }
  return missing;
}

function differentLines(guest: string, native: string): string[] {
  const [a, b] = [linesOf(guest), linesOf(native)];
  return Array.from({ length: Math.max(a.length, b.length) }, (_, n) => n)
    .filter((n) => a[n] !== b[n])
    .map((n) => `"${a[n] ?? "(end)"}", natively "${b[n] ?? "(end)"}"`);
}

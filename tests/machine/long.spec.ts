/** Looking into 64-bit code, stopping and stepping in it, in the upper half of the address space. */
import { expect, it } from "vitest";
import { signedLinear, unsignedLinear } from "../../web/lib/linear";
import { Machine } from "../../web/machine/machine";
import { parseAddress } from "../../web/panels/address";
import { coreWasm } from "../tools/core";
import { longProgram, PML4 } from "../tools/long-program";

/** FFFF_FF80_0000_0000: where the program maps the low memory again, by the PML4's last entry. */
const UPPER = -(2 ** 39);
const program = longProgram(`
    mov rax,[${PML4}]
    mov [${PML4}+511*8],rax
    mov rax,upper+0xffffff8000000000
    jmp rax
upper:
    mov r15,0x123456789abcdef0
    mov rsp,0xffffff8001008000
    call function
after:
    mov rbx,[rel data]
    mov [rel data],r15
    hlt
function:
    add r14,1
    ret
data:
    dq 0xfeedface`);
const at = (label: string): number => UPPER + program.labels.get(label)!;

it("lists, stops and steps in the upper half", async () => {
  const machine = await Machine.create({ boot: program.boot, memoryMb: 32, clock: { kind: "deterministic" } }, { wasm: coreWasm() });
  const { debug, inspect } = machine;
  debug.add({ kind: "execute", address: at("upper") }, { once: true });
  expect((await machine.run({ instructions: 1000 })).reason).toBe("breakpoint");
  expect(inspect.linear).toBe(at("upper"));
  const lines = inspect.disassemble(inspect.linear, 3);
  expect(lines.map(({ text }) => text)).toEqual([
    "mov r15,qword 0x123456789abcdef0",
    "mov rsp,qword 0xffffff8001008000",
    `call 0x${unsignedLinear(at("function")).toString(16)}`,
  ]);
  expect(inspect.before(lines[2]!.linear, 2)).toBe(at("upper"));

  // The walk: PML4 entry 511, PDPT entry 0, and a 2 MB page.
  const walk = inspect.walk(inspect.linear);
  expect([walk.paging, walk.physical]).toEqual(["4-level", program.labels.get("upper")]);
  expect(walk.guest.map(({ level, index }) => [level, index])).toEqual([
    [4, 511],
    [3, 0],
    [2, 8],
  ]);
  expect(inspect.memory(at("data"), 4)[0]!.bytes).toEqual(Uint8Array.of(0xce, 0xfa, 0xed, 0xfe));
  expect(inspect.walk(UPPER + 0x100000000).physical).toBeUndefined();

  for (const to of [lines[1]!.linear, lines[2]!.linear]) {
    debug.prepare("into");
    await machine.run({ instructions: 1000 });
    expect(inspect.linear).toBe(to);
  }
  debug.prepare("over");
  await machine.run({ instructions: 1000 });
  expect([inspect.linear, machine.inspect.registers().r14]).toEqual([at("after"), 1n]);

  debug.add({ kind: "access", address: at("data") + 7, bytes: 1, on: "write" });
  await machine.run({ instructions: 1000 });
  expect(debug.cause).toMatchObject({ kind: "watchpoint", linear: at("data"), access: "write" });
  expect(machine.inspect.registers().rbx).toBe(0xfeedfacen);
  expect(inspect.check().finding).toBe(0);

  const registers = inspect.registers();
  expect(parseAddress("ffffff8001000000", registers)).toBe(UPPER + 0x1000000);
  expect(parseAddress("rsp", registers)).toBe(UPPER + 0x1008000);
  expect(parseAddress("0x8000000000000000", registers)).toBeUndefined();
  expect(signedLinear(0xffff7fffffffffffn)).toBeUndefined();
});

it("has 2 GB of memory, to its last byte, and says what is beyond", async () => {
  const top = 0x7ffff000;
  const { boot } = longProgram(`mov rbx,${top}\nmov rax,0x1122334455667788\nmov [rbx+0xff8],rax\nadd [rbx+0xff8],rax\nhlt`);
  const machine = await Machine.create({ boot, memoryMb: 2048, clock: { kind: "deterministic" } }, { wasm: coreWasm() });
  const { exit } = await machine.run({ instructions: 1000 });
  expect(exit?.reason).toBe("halted");
  const [piece] = machine.inspect.memory(top + 0xff8, 8);
  expect(new DataView(piece!.bytes!.buffer, piece!.bytes!.byteOffset).getBigUint64(0, true)).toBe(0x22446688aaccef10n);
  await expect(Machine.create({ boot, memoryMb: 2049 }, { wasm: coreWasm() })).rejects.toThrow(/1 to 2048/);
});

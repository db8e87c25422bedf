/** Who called: frames as compilers lay them out, at every instruction of the innermost function; and where there are none. */
import { expect, it } from "vitest";
import { assemble } from "../../web/assembler/assemble";
import { bootImage } from "../../web/assembler/boot-image";
import { backtrace } from "../../web/machine/backtrace";
import { Machine } from "../../web/machine/machine";
import { coreWasm } from "../tools/core";

const PROGRAM = `
        mov esp, 0x180000
        xor ebp, ebp
        mov ecx, 3
        call outer
after_outer:
        cli
        hlt
outer:
        push ebp
        mov ebp, esp
        sub esp, 24
        call recurse
after_recurse:
        leave
        ret
recurse:
        push ebp
        mov ebp, esp
        dec ecx
        jz deepest
        call recurse
again:
        pop ebp
        ret
deepest:
        call leaf
after_leaf:
        pop ebp
        ret
leaf:
        push ebp
        mov ebp, esp
        nop
        pop ebp
        ret
leaf_end:
`;

it("is the same chain at each instruction of the innermost function, recursion and all", async () => {
  const program = assemble(PROGRAM, { bits: 32, org: 0x100000 });
  expect(program.errors).toEqual([]);
  const label = (name: string): number => program.labels.get(name)!;
  const machine = await Machine.create(
    {
      boot: { kind: "multiboot", kernel: bootImage(program, "flat32") as Uint8Array, commandLine: "" },
      memoryMb: 4,
      clock: { kind: "deterministic" },
    },
    { wasm: coreWasm() },
  );
  const chain = ["after_leaf", "again", "again", "after_recurse", "after_outer"].map(label);
  machine.debug.add({ kind: "execute", address: label("leaf") }, { once: true });
  expect((await machine.run({ instructions: 1000 })).reason).toBe("breakpoint");
  const seen: number[] = [];
  while (machine.inspect.linear >= label("leaf") && machine.inspect.linear < label("leaf_end")) {
    const { linear } = machine.inspect;
    seen.push(linear);
    expect(
      backtrace(machine.inspect).map((frame) => frame.linear),
      linear.toString(16),
    ).toEqual([linear, ...chain]);
    await machine.step(1);
  }
  expect(seen.length).toBe(5);
  expect(backtrace(machine.inspect, 3)).toHaveLength(3);
});

it("is the present place alone in 16-bit code", async () => {
  const program = assemble("bits 16\norg 0x7c00\n mov bp, sp\n call f\nf: cli\n hlt");
  const image = bootImage(program, "sector") as Uint8Array;
  const machine = await Machine.create(
    { boot: { kind: "sector", image }, memoryMb: 1, clock: { kind: "deterministic" } },
    { wasm: coreWasm() },
  );
  await machine.step(2);
  expect(backtrace(machine.inspect)).toEqual([{ linear: program.labels.get("f")! }]);
});

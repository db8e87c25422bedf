/** gdb's remote protocol, packet by packet, over the real core: what a gdb would send, and what it would be told. */
import { describe, expect, it } from "vitest";
import { assemble } from "../../web/assembler/assemble";
import { bootImage } from "../../web/assembler/boot-image";
import { Machine } from "../../web/machine/machine";
import { gdbTarget } from "../../web/node/gdb-registers";
import { GdbStub } from "../../web/node/gdb-stub";
import { coreWasm } from "../tools/core";

const program = assemble(`
  bits 16
  org 0x7c00
      mov ax, 0x1234
      mov bx, 0x2000
      mov [bx], ax
  loop_here:
      inc ax
      inc word [bx]
      jmp loop_here`);

const sum = (body: string): string =>
  ([...body].reduce((total, letter) => total + letter.charCodeAt(0), 0) & 255).toString(16).padStart(2, "0");

async function connect(cpu: "pentium4" | "x86-64-v2" = "pentium4") {
  const machine = await Machine.create(
    { boot: { kind: "sector", image: bootImage(program, "sector") as Uint8Array }, memoryMb: 1, clock: { kind: "deterministic" }, cpu },
    { wasm: coreWasm() },
  );
  machine.history.start();
  let wire = "";
  let hear = (): void => {};
  const stub = new GdbStub(machine, {
    send: (text) => {
      wire += text;
      hear();
    },
    close: () => {},
  });
  const reply = async (): Promise<string> => {
    for (;;) {
      const packet = /\$([^#]*)#(..)/s.exec(wire);
      if (packet) {
        wire = wire.slice(packet.index + packet[0].length);
        expect(packet[2]).toBe(sum(packet[1]!));
        return packet[1]!;
      }
      await new Promise<void>((resolve) => {
        hear = resolve;
      });
    }
  };
  const ask = (body: string): Promise<string> => {
    stub.receive(`$${body}#${sum(body)}`);
    return reply();
  };
  return { machine, stub, ask, reply, wire: () => wire };
}

const little = (value: number, bytes = 4): string =>
  Array.from({ length: bytes }, (_, n) => Math.floor(value / 256 ** n) % 256)
    .map((byte) => byte.toString(16).padStart(2, "0"))
    .join("");
const at = (name: string): string => program.labels.get(name)!.toString(16);
const EIP = 8;

describe("gdb", () => {
  it("is told the registers of the target description, each at its place", async () => {
    const { ask, machine } = await connect();
    const { registers } = gdbTarget(false);
    const all = await ask("g");
    expect(all.length).toBe(2 * registers.reduce((total, { bytes }) => total + bytes, 0));
    expect(all.slice(EIP * 8, EIP * 8 + 8)).toBe(little(0x7c00));
    expect(await ask(`p${EIP.toString(16)}`)).toBe(little(0x7c00));
    const xml = await ask("qXfer:features:read:target.xml:0,3fff");
    expect([...xml.matchAll(/<reg name="(\w+)" bitsize="(\d+)"/g)].map(([, name, bits]) => [name, Number(bits) / 8])).toEqual(
      registers.map(({ name, bytes }) => [name, bytes]),
    );
    expect(await ask(`P0=${little(77)}`)).toBe("OK");
    expect(machine.inspect.registers().rax).toBe(77n);
  });

  it("in pieces, asks again after a wrong checksum, and may do without acknowledgements", async () => {
    const { stub, ask, wire } = await connect();
    stub.receive("$qC#00");
    expect(wire()).toBe("-");
    stub.receive("$q");
    stub.receive(`C#${sum("qC")}`);
    expect(await ask("QStartNoAckMode")).toBe("QC1");
  });

  it("reads and writes memory, binary too, and is told what cannot be read", async () => {
    const { ask } = await connect();
    expect(await ask("m7c00,3")).toBe("b83412");
    expect(await ask("M2000,2:beef")).toBe("OK");
    expect(await ask("X2002,3:}\x03\x01\x02")).toBe("OK");
    expect(await ask("m2000,5")).toBe("beef230102");
    expect(await ask("m7fffffff,4")).toBe("E01");
    expect(await ask("m0,99999999")).toBe("E01");
  });

  it("steps, breaks, watches, is interrupted, and goes back", async () => {
    const { ask, stub, reply, machine } = await connect();
    expect(await ask("vCont;s:1")).toBe("T05thread:1;");
    expect(await ask("p0")).toBe(little(0x1234));
    expect(await ask(`Z0,${at("loop_here")},1`)).toBe("OK");
    expect(await ask("vCont;c")).toBe("T05thread:1;");
    expect(await ask(`p${EIP.toString(16)}`)).toBe(little(program.labels.get("loop_here")!));
    expect(await ask("c")).toBe("T05thread:1;");
    expect(await ask("p0")).toBe(little(0x1235));
    // Back to the time before, and the step before that.
    expect(await ask("bc")).toBe("T05thread:1;");
    expect(await ask("p0")).toBe(little(0x1234));
    expect(await ask("bs")).toBe("T05thread:1;");
    expect(machine.instructions).toBe(2);
    expect(await ask("bc")).toBe("T05replaylog:begin;thread:1;");
    expect(machine.instructions).toBe(0);
    expect(await ask(`z0,${at("loop_here")},1`)).toBe("OK");
    expect(await ask("Z2,2000,2")).toBe("OK");
    expect(await ask("c")).toBe("T05watch:00002000;thread:1;");
    expect(machine.instructions).toBe(3);
    expect(await ask("z2,2000,2")).toBe("OK");
    const body = "c";
    stub.receive(`$${body}#${sum(body)}`);
    stub.receive("\x03");
    expect(await reply()).toBe("T02thread:1;");
    expect(await ask("Z9,0,1")).toBe("");
    expect(await ask("D")).toBe("OK");
    expect(await stub.ended).toBe("detached");
    expect(machine.debug.stops).toEqual([]);
  });

  it("describes a processor with 64-bit mode", async () => {
    const { ask } = await connect("x86-64-v2");
    expect(await ask("qXfer:features:read:target.xml:0,3fff")).toContain("<architecture>i386:x86-64</architecture>");
    expect(await ask("p10")).toBe(little(0x7c00, 8));
    expect(await ask("Zz,8000000000000000,1")).toBe("E01");
    expect(await ask("Z0,8000000000000000,1")).toBe("E01");
  });
});

/** The boot loaders' plans for valid images: where bytes go, what the zero page and the registers say. */
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { type BootConfig, planBoot } from "../../web/machine/boot/plan";
import { resolveConfig } from "../../web/machine/config";
import { bzImage, cpio, elf, elf64, multibootElf, multibootFlat, multibootHeader, sectorImage, text, vmlinux } from "./images";

const MB = 1048576;

/** The plan applied to a sparse memory: last write wins, as in the machine. */
function boot(config: BootConfig, ramMb = 64, longMode = false) {
  const plan = planBoot(config, ramMb * MB, longMode);
  const memory = new Map<number, number>();
  for (const { address, data } of plan.writes) for (const [i, byte] of data.entries()) memory.set(address + i, byte);
  const u8 = (at: number): number => memory.get(at) ?? 0;
  const u16 = (at: number): number => u8(at) | (u8(at + 1) << 8);
  const u32 = (at: number): number => (u16(at) | (u16(at + 2) << 16)) >>> 0;
  const string = (at: number): string => {
    let s = "";
    for (; u8(at) !== 0; at++) s += String.fromCharCode(u8(at));
    return s;
  };
  const e820 = (): number[][] =>
    Array.from({ length: u8(0x901e8) }, (_, i) => [u32(0x902d0 + i * 20), u32(0x902d8 + i * 20), u32(0x902e0 + i * 20)]);
  return { plan, u8, u16, u32, string, e820, register: (name: string) => Number(plan.registers[name]) };
}

describe("a raw image", () => {
  it("stands at 0000:7C00 and is entered in real mode with the drive in DL and the stack below it", () => {
    const { u8, register } = boot({ kind: "sector", image: sectorImage() }, 1);
    expect([u8(0x7c00), u8(0x7c01), u8(0x7dfe), u8(0x7dff)]).toEqual([0xfa, 0xf4, 0x55, 0xaa]);
    expect([register("cs_selector"), register("cs_base"), register("rip"), register("rdx"), register("rsp")]).toEqual([
      0, 0, 0x7c00, 0x80, 0x7c00,
    ]);
    expect(register("cr0") & 1).toBe(0);
    expect(register("eflags")).toBe(2);
  });

  it("has a HLT behind every vector, and says which interrupt nobody handles", () => {
    const { plan, u8, u16 } = boot({ kind: "sector", image: sectorImage() }, 1);
    const target = u16(0x13 * 4 + 2) * 16 + u16(0x13 * 4);
    expect(u8(target)).toBe(0xf4);
    expect(plan.explainHalt?.(target + 1)).toMatch(/INT 13h.*no BIOS/);
    expect(plan.explainHalt?.(u16(6 * 4 + 2) * 16 + u16(6 * 4) + 1)).toMatch(/exception 06h/);
    expect(plan.explainHalt?.(0x7c02)).toBeUndefined();
  });

  it("may be unsigned and short when asked for", () => {
    expect(boot({ kind: "sector", image: Uint8Array.of(0xf4), signature: false, drive: 0 }).register("rdx")).toBe(0);
  });
});

describe("a 64-bit vmlinux", () => {
  const segment = { physical: 0x1000000, linear: 0xffffffff81000000n, contents: [0xf4, ...new Array(255).fill(0x90)] };
  const linux = (kernel: Uint8Array, bzImageFile?: Uint8Array): BootConfig => ({
    ...{ kind: "linux", kernel, commandLine: "console=ttyS0", initrd: cpio() },
    ...(bzImageFile && { bzImage: bzImageFile }),
  });

  it("is entered in 64-bit mode with the low 4 GB mapped to themselves and RSI = zero page", () => {
    const { register, u8, u32, plan } = boot(linux(elf64(0xffffffff81000010n, segment)), 64, true);
    expect(u8(0x1000000)).toBe(0xf4);
    expect(["rip", "rsi", "cs_selector", "ds_selector", "cs_attributes", "efer", "cr4"].map(register)).toEqual([
      0x1000010, 0x90000, 0x10, 0x18, 0xa9b, 0x500, 0x20,
    ]);
    expect(plan.registers.cr0).toBe(0x80000011n);
    expect(u8(register("gdtr_base") + 0x16) >> 4).toBe(0xa);
    // By hand, as the processor would: 4 levels, the last a 2 MB page.
    const walk = (linear: number): number => {
      const third = u32(register("cr3")) & ~0xfff;
      const second = u32(third + Math.floor(linear / 2 ** 30) * 8) & ~0xfff;
      const entry = u32(second + (Math.floor(linear / 2 ** 21) % 512) * 8);
      expect(entry & 0x83).toBe(0x83);
      return ((entry & ~0x1fffff) >>> 0) + (linear % 2 ** 21);
    };
    for (const linear of [0, 0x90000, 0x1000010, 0x7fffffff, 0xfee00000, 0xffffffff]) expect(walk(linear)).toBe(linear);
    expect(plan.summary).toContain("64-bit entry");
  });

  it("is entered by PVH where its note says so and its bzImage is not there", () => {
    // Name size 4, 4 bytes, type 18: "Xen", 1000020h.
    const note = [4, 0, 0, 0, 4, 0, 0, 0, 18, 0, 0, 0, ...text("Xen"), 0, 0x20, 0, 0, 1];
    const kernel = elf64(0xffffffff81000010n, segment, note);
    const { register, u32, string, plan } = boot(linux(kernel), 64, true);
    expect(["rip", "rbx", "cs_attributes", "cr3"].map(register)).toEqual([0x1000020, 0x90000, 0xc9b, 0]);
    expect(plan.registers.cr0).toBe(0x11n);
    expect([u32(0x90000), u32(0x90004), u32(0x9000c), string(u32(0x90018))]).toEqual([0x336ec578, 1, 1, "console=ttyS0"]);
    const initrdAt = u32(u32(0x90010));
    expect([initrdAt % 4096, u32(u32(0x90010) + 8)]).toEqual([0, cpio().length]);
    const map = Array.from({ length: u32(0x90030) }, (_, i) => [0, 8, 16].map((field) => u32(u32(0x90028) + i * 24 + field)));
    expect(map.at(-1)).toEqual([MB, 63 * MB, 1]);
    expect(boot(linux(kernel, bzImage()), 64, true).plan.summary).toContain("64-bit entry");
    const outside = elf64(0x1000000n, segment, note.with(16, 0).with(19, 2));
    expect(() => boot(linux(outside), 64, true)).toThrow(/PVH entry point .* outside/);
  });

  it("makes the CPU one with 64-bit mode, if none is asked for", () => {
    const cpuOf = (kernel: Uint8Array): string => resolveConfig({ boot: linux(kernel) }, 0).cpu;
    expect([elf64(0x1000000n, segment), vmlinux(), bzImage(), new Uint8Array(3)].map(cpuOf)).toEqual([
      ...["x86-64-v2", "pentium4", "pentium4", "pentium4"],
    ]);
  });
});

describe("a bzImage", () => {
  const initrd = cpio();
  const config: BootConfig = { kind: "linux", kernel: bzImage(), initrd, commandLine: "console=ttyS0 quiet" };

  it("has its code at 1 MB and is entered there in flat protected mode with ESI = zero page", () => {
    const { u8, register, plan } = boot(config);
    expect([u8(0x100000), u8(0x100001), u8(0x100100)]).toEqual([0xfa, 0xf4, 0x1f]);
    expect(["rip", "rsi", "rbp", "rdi", "rbx", "eflags", "cs_selector", "ds_selector", "ss_selector"].map(register)).toEqual([
      0x100000, 0x90000, 0, 0, 0, 2, 0x10, 0x18, 0x18,
    ]);
    expect([register("cr0") & 0x80000001, register("cs_limit"), register("cs_base"), register("cpl")]).toEqual([1, 0xffffffff, 0, 0]);
    expect(plan.summary).toContain("protocol 2.15");
  });

  it("gets a GDT that matches the hidden parts of the segment registers", () => {
    const { u32, u16, u8, register } = boot(config);
    for (const name of ["cs", "ds", "es", "ss", "fs", "gs"]) {
      const at = register("gdtr_base") + register(`${name}_selector`);
      expect(register(`${name}_selector`) + 7).toBeLessThanOrEqual(register("gdtr_limit"));
      const attributes = u8(at + 5) | ((u8(at + 6) >> 4) << 8);
      expect(attributes).toBe(register(`${name}_attributes`));
      const limit = u16(at) | ((u8(at + 6) & 15) << 16);
      expect(limit * 4096 + 4095).toBe(register(`${name}_limit`));
      expect(((u32(at) >>> 16) | (u8(at + 4) << 16) | (u8(at + 7) << 24)) >>> 0).toBe(0);
    }
  });

  it("gets a zero page with its own header, loader type, command line, screen and memory map", () => {
    const { u8, u16, u32, string, e820 } = boot(config);
    expect([u8(0x901f1), u16(0x901fe), u32(0x90202), u16(0x90206)]).toEqual([1, 0xaa55, 0x53726448, 0x20f]);
    expect(u8(0x90210)).toBe(0xff);
    expect(string(u32(0x90228))).toBe("console=ttyS0 quiet");
    expect([u8(0x90006), u8(0x90007), u8(0x9000e), u8(0x9000f)]).toEqual([3, 80, 25, 1]);
    expect(u32(0x901e0)).toBe(63 * 1024);
    expect(e820()).toEqual([
      [0, 0x9fc00, 1],
      [0x9fc00, 0x400, 2],
      [0xf0000, 0x10000, 2],
      [0x100000, 63 * MB, 1],
    ]);
  });

  it("gets its initrd as high as RAM and initrd_addr_max allow, page-aligned", () => {
    const high = boot(config);
    const address = high.u32(0x90218);
    expect(high.u32(0x9021c)).toBe(initrd.length);
    expect(address).toBe(64 * MB - 4096);
    expect(Array.from(initrd.subarray(0, 6), (_, i) => high.u8(address + i))).toEqual(text("070701"));
    const kernel = bzImage();
    new DataView(kernel.buffer).setUint32(0x22c, 0x2ffffff, true);
    expect(boot({ ...config, kernel }).u32(0x90218)).toBe(0x3000000 - 4096);
  });

  it("needs RAM up to where it unpacks itself, and no more", () => {
    expect(() => planBoot({ kind: "linux", kernel: bzImage(), commandLine: "" }, 16 * MB)).toThrow(
      /needs at least 17 MB of RAM.*16 MB.*Give it more memory/,
    );
    expect(planBoot({ kind: "linux", kernel: bzImage(), commandLine: "" }, 17 * MB).registers.rip).toBe(0x100000n);
  });

  it("may end within its last paragraph, as memtest86+ does", () => {
    expect(boot({ kind: "linux", kernel: bzImage().subarray(0, -8), commandLine: "" }).register("rip")).toBe(0x100000);
    expect(() => planBoot({ kind: "linux", kernel: bzImage().subarray(0, -16), commandLine: "" }, 64 * MB)).toThrow(/truncated/);
  });
});

describe("a vmlinux", () => {
  it("has its segments at their physical addresses, its BSS cleared, and is entered at e_entry", () => {
    const { plan, u8, register } = boot({ kind: "linux", kernel: vmlinux(), commandLine: "a" });
    expect([u8(0x1000000), u8(0x1000fff), u8(0x1002000)]).toEqual([0x90, 0x90, 0x11]);
    expect(plan.clears).toEqual([{ address: 0x1002800, length: 0x1800 }]);
    expect([register("rip"), register("rsi")]).toEqual([0x1000000, 0x90000]);
  });

  it("gets a sensible header when alone and the bzImage's when that is given", () => {
    const alone = boot({ kind: "linux", kernel: vmlinux(), commandLine: "" });
    expect([alone.u32(0x90202), alone.u16(0x901fe), alone.u8(0x90211), alone.u32(0x90258)]).toEqual([0x53726448, 0xaa55, 1, 0x1000000]);
    const paired = boot({ kind: "linux", kernel: vmlinux(), commandLine: "", bzImage: bzImage() });
    expect([paired.u16(0x90206), paired.u32(0x90260)]).toEqual([0x20f, 0x100000]);
    expect(() => planBoot({ kind: "linux", kernel: vmlinux(), commandLine: "", bzImage: vmlinux() }, 64 * MB)).toThrow(
      /^setup header: It is not/,
    );
  });
});

describe("a multiboot kernel", () => {
  it("as ELF is entered at its entry point made physical, with magic and information", () => {
    const modules = [
      { data: Uint8Array.from(text("first")), commandLine: "one x" },
      { data: new Uint8Array(5000).fill(9), commandLine: "two" },
    ];
    const { register, u32, u8, string, plan } = boot({ kind: "multiboot", kernel: multibootElf(), commandLine: "kernel arg", modules });
    expect([register("rip"), register("rax"), register("cs_selector")]).toEqual([0x10000c, 0x2badb002, 0x10]);
    expect(plan.clears).toEqual([{ address: 0x1003f4, length: 0x3000 - 0x3f4 }]);
    const info = register("rbx");
    expect(u32(info) & 0x24d).toBe(0x24d);
    expect([u32(info + 4), u32(info + 8)]).toEqual([639, 63 * 1024]);
    expect(string(u32(info + 16))).toBe("kernel arg");
    expect(string(u32(info + 64))).toBe("Vitrine");
    expect(u32(info + 20)).toBe(2);
    const list = u32(info + 24);
    expect([u32(list), u32(list + 4), string(u32(list + 8))]).toEqual([0x103000, 0x103005, "one x"]);
    expect([u32(list + 16), u32(list + 20), string(u32(list + 24))]).toEqual([0x104000, 0x104000 + 5000, "two"]);
    expect([u8(0x103000), u8(0x104000)]).toEqual(["f".charCodeAt(0), 9]);
    // The BIOS's data: the extended area's segment, and the memory below it in KB.
    expect([u8(0x40e), u8(0x40f), u8(0x413), u8(0x414)]).toEqual([0xc0, 0x9f, 639 & 0xff, 639 >> 8]);
    const [mapBytes, map] = [u32(info + 44), u32(info + 48)];
    expect([mapBytes % 24, u32(map), u32(map + 4), u32(map + 12), u32(map + 20)]).toEqual([0, 20, 0, 0x9fc00, 1]);
  });

  it("that wishes for a video mode boots without, and is not told of one", () => {
    const kernel = multibootElf().slice();
    kernel.set(multibootHeader(7), 84);
    const { register, u32, plan } = boot({ kind: "multiboot", kernel, commandLine: "" });
    // Bits 11 and 12: VBE and framebuffer information.
    expect(u32(register("rbx")) & 0x1800).toBe(0);
    expect(plan.summary).toMatch(/without the video mode/);
  });

  it("with load addresses is loaded by them", () => {
    const { register, u8, plan } = boot({ kind: "multiboot", kernel: multibootFlat(), commandLine: "" });
    expect([register("rip"), u8(0x200040)]).toEqual([0x200040, 0xf4]);
    expect(plan.clears).toEqual([{ address: 0x200400, length: 8192 - 1024 }]);
  });
});

describe("an initrd", () => {
  const kernel = bzImage();
  const accepts = (initrd: Uint8Array): void => void planBoot({ kind: "linux", kernel, initrd, commandLine: "" }, 64 * MB);
  const join = (...parts: Uint8Array[]): Uint8Array => Uint8Array.from(parts.flatMap((p) => [...p]));

  it("may be cpio, gzip of any kind, and several in a row with zeros between", () => {
    const big = cpio({ data: Array.from({ length: 200_000 }, (_, i) => (i * i) >> 7) });
    for (const level of [0, 1, 6, 9]) accepts(gzipSync(big, { level }));
    accepts(gzipSync(new Uint8Array(0)));
    accepts(gzipSync(big, { strategy: 4 }));
    accepts(join(cpio(), new Uint8Array(512), gzipSync(cpio()), gzipSync(big), new Uint8Array(100)));
  });

  it("may be a file-system image", () => {
    const ext2 = new Uint8Array(2048);
    ext2.set([0x53, 0xef], 1080);
    accepts(ext2);
  });
});

describe("every image", () => {
  it("is refused by name with what to do", () => {
    const refused = (config: BootConfig, ramMb = 64): string => {
      try {
        planBoot(config, ramMb * MB);
      } catch (error) {
        return (error as Error).message;
      }
      return "accepted";
    };
    const linux = (kernel: Uint8Array, initrd?: Uint8Array, commandLine = ""): BootConfig => ({
      kind: "linux",
      kernel,
      initrd,
      commandLine,
    });
    const patched = (image: Uint8Array, at: number, bytes: number[]): Uint8Array => {
      const copy = image.slice();
      copy.set(bytes, at);
      return copy;
    };
    expect(refused({ kind: "sector", image: new Uint8Array(0) })).toMatch(/^boot image: It is empty/);
    expect(refused({ kind: "sector", image: new Uint8Array(1474560) })).toMatch(/^boot image: It is 1.4 MB.*disk image would need a BIOS/);
    expect(refused({ kind: "sector", image: sectorImage().subarray(0, 500) })).toMatch(/not a multiple of 512/);
    expect(refused({ kind: "sector", image: new Uint8Array(512) })).toMatch(/no boot signature/);
    expect(refused(linux(Uint8Array.from(text("hello"))))).toMatch(/^kernel: It is neither a Linux bzImage/);
    expect(refused(linux(Uint8Array.from(gzipSync("x"))))).toMatch(/^kernel: It is a gzip file/);
    expect(refused(linux(patched(bzImage(), 0x236, [1])))).toMatch(/^kernel: It is a 64-bit kernel/);
    expect(refused(linux(patched(bzImage(), 0x206, [0, 2])))).toMatch(/boot protocol 2.00/);
    expect(refused(linux(patched(bzImage(), 0x211, [0])))).toMatch(/zImage/);
    expect(refused(linux(patched(vmlinux(), 4, [2])))).toMatch(/64-bit ELF/);
    expect(refused(linux(patched(vmlinux(), 18, [40])))).toMatch(/machine 40, not i386/);
    expect(refused(linux(patched(vmlinux(), 16, [1])))).toMatch(/type 1, not an executable/);
    expect(refused(linux(elf(0x8000, [{ physical: 0x8000, linear: 0x8000, contents: [1], memoryBytes: 1 }])))).toMatch(/below 1 MB/);
    expect(refused(linux(bzImage(), undefined, "x".repeat(2048)))).toMatch(/^command line: It is 2048 bytes long.*2047/);
    expect(refused(linux(bzImage(), undefined, "a\0b"))).toMatch(/NUL/);
    expect(refused(linux(bzImage(), cpio({ big: new Uint8Array(4 * MB) })), 20)).toMatch(/^initrd: It of 4.* MB does not fit/);
    expect(refused(linux(bzImage(), Uint8Array.from(text("junk"))))).toMatch(/^initrd: It is neither a cpio archive/);
    expect(refused({ kind: "multiboot", kernel: vmlinux(), commandLine: "" })).toMatch(/no multiboot header/);
    const module = { data: new Uint8Array(4 * MB), commandLine: "" };
    expect(refused({ kind: "multiboot", kernel: multibootElf(), commandLine: "", modules: [module] }, 4)).toMatch(
      /^module 1: It needs at least 6 MB/,
    );
  });
});

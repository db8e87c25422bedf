/** Trap-and-emulate is counted by name, once each, before its effect; the total is counted independently. */
import { describe, expect, it } from "vitest";
import { program } from "./flat-program";

const total = (core: Awaited<ReturnType<typeof program>>["core"]): number => core.stats().exitsTotal;

describe("exits", () => {
  it("are counted by reason, and the total agrees", async () => {
    const { core } = await program(
      [
        ...["cpuid", "cpuid", "cpuid"],
        ...["in al, 0x60", "out 0x60, al", "in eax, dx"],
        ...["mov eax, cr3", "mov cr3, eax", "mov cr3, eax", "invlpg [0]", "wbinvd", "rdtsc"],
        ...[
          "mov ecx, 0x10",
          "rdmsr",
          "wrmsr",
          "lgdt [gdtr]",
          "sidt [0x8000]",
          "cli",
          "mov eax, dr7",
          "mov dr7, eax",
          "clts",
          "smsw eax",
          "pause",
        ],
        "int 33",
        "popfd",
        "ud2",
        "gdtr: dw 0x27\ndd 0x1000",
        "vector33: push dword 2\njmp back\nback: add esp, 16\npush dword 2\njmp on",
        "on: popfd\nud2",
        "vector6: hlt",
      ].join("\n"),
    );
    core.exports.listenEvents!(1);
    core.run(200);
    const { exits } = core.stats();
    const counted = Object.fromEntries(Object.entries(exits).filter(([, count]) => count > 0));
    expect(counted).toEqual({
      Cpuid: 3,
      IoRead: 2,
      IoWrite: 1,
      CrRead: 2,
      CrWrite: 3,
      DrRead: 1,
      DrWrite: 1,
      Invlpg: 1,
      Wbinvd: 1,
      Rdtsc: 1,
      Rdmsr: 1,
      Wrmsr: 1,
      DescriptorTableRead: 1,
      DescriptorTableWrite: 1,
      InterruptFlag: 1,
      Pause: 1,
      SoftwareInterrupt: 1,
      Popf: 1,
      Exception: 1,
      Hlt: 1,
    });
    const sum = Object.values(exits).reduce((a, b) => a + b, 0);
    expect(total(core)).toBe(sum);
    const { events } = core.events(0);
    expect(events).toHaveLength(sum);
    expect(events.find((event) => event.reason === "IoWrite")?.qualification).toBe(0x10060n);
    expect(events.find((event) => event.reason === "Exception")?.qualification).toBe(6n);
  });

  it("count what fails too: a refused write is still a trap", async () => {
    const { core } = await program("mov eax, 0x80000000\nmov cr0, eax\nvector13: hlt");
    core.run(100);
    expect(core.stats().exits).toMatchObject({ CrWrite: 1, Exception: 1 });
  });

  it("name an unknown MSR", async () => {
    const { core } = await program("mov ecx, 0x12345\nrdmsr\nvector13: hlt");
    core.run(100);
    expect(core.stats().unimplemented).toEqual([expect.objectContaining({ bytes: "MSR 12345", count: 1 })]);
  });
});

/** `vitrine run`: arguments, exit statuses, terminal, statistics; over the real machine and a fake core. */
import { describe, expect, it } from "vitest";
import { main } from "../../web/node/cli";
import { bzImage, cpio, multibootElf, random, vmlinux } from "../boot-loaders/images";
import type { Op } from "../machine/fake-core";
import { FakeEnvironment } from "./fake-environment";

const print = (text: string): Op[] => [...text].map((c) => ({ op: "out", port: 0x3f8, value: c.charCodeAt(0) }));
const LOOP: Op[] = [{ op: "jmp", to: 0 }];
const HALT: Op[] = [{ op: "cli" }, { op: "hlt" }];
const ECHO: Op[] = [
  { op: "in", port: 0x3fd },
  { op: "skip-unless", mask: 1 },
  { op: "jmp", to: 4 },
  { op: "jmp", to: 0 },
  { op: "in", port: 0x3f8 },
  { op: "send", port: 0x3f8 },
  { op: "jmp", to: 0 },
];

async function run(args: string, environment = new FakeEnvironment(HALT)) {
  const status = await main(["run", ...(args.match(/"[^"]*"|\S+/g) ?? []).map((word) => word.replaceAll('"', ""))], environment);
  return { status, environment, out: environment.out, err: environment.err };
}

describe("arguments", () => {
  it.each([
    ["", /^usage: vitrine run/],
    ["--memory 64", /nothing to boot/],
    ["boot.bin", /"boot.bin" belongs to no option/],
    ["--kernle x", /unknown option --kernle; vitrine run --help/],
    ["--kernel", /--kernel needs a value/],
    ["--kernel --initrd x", /--kernel needs a value/],
    ["--image boot.bin --memory 0", /--memory 0: give a whole number, 1 to 2048/],
    ["--image boot.bin --memory 4096", /--memory 4096: give/],
    ["--image boot.bin --memory lots", /--memory lots: give/],
    ["--image boot.bin --memory 1 --memory 2", /--memory is given twice/],
    ["--image boot.bin --kernel k", /--kernel and --image contradict each other/],
    ["--image boot.bin --append x", /--append needs --kernel/],
    ["--image boot.bin --initrd x", /--initrd needs --kernel/],
    ["--image boot.bin --cpu z80", /--cpu z80: give 486 or/],
    ["--image boot.bin --clock lunar", /--clock lunar: give real or deterministic/],
    ["--image boot.bin --clock deterministic=0", /more than 0/],
    ["--image boot.bin --shadow x", /--shadow x: give keep or flush/],
    ["--image boot.bin --accel kvm", /--accel kvm: give interp or jit/],
    ["--image boot.bin --debug-exit 70000", /--debug-exit 70000: give/],
    ["--image boot.bin --timeout 0", /--timeout 0: give a number of seconds above 0/],
    ["--image boot.bin --max-insns -5", /--max-insns -5: give/],
    ["--image boot.bin --until=", /--until needs a text/],
    ["--hda disk.img --hda other.img", /--hda is given twice|drive hda already/],
    ["--image boot.bin --smp 2", /--smp: not yet; there is one CPU/],
    ["--cdrom a.iso --cdrom b.iso --cdrom c.iso", /--cdrom: there is a drive hdd already/],
    ["--cdrom a.iso --boot x", /--boot x: give the letters a/],
    ["--kernel a --boot c", /--boot chooses what firmware tries/],
    ["--kernel a --video-bios b", /--video-bios belongs to --bios/],
    ["--load-snapshot nowhere", /--load-snapshot nowhere: no such file/],
    ["--load-snapshot boot.bin", /--load-snapshot boot.bin: file: it is not a snapshot of Vitrine/],
    ["--image boot.bin --save-snapshot /full/s", /--save-snapshot \/full\/s: no space left/],
    ["--bios boot.bin", /ROM boot.bin: It is 512 bytes, but a ROM has 64, 128 or 256 KB/],
    ["--bios boot.bin --image boot.bin", /--image and --bios contradict each other/],
    ["--image boot.bin --post-port 70000", /--post-port 70000: give/],
    ["--image boot.bin --post-port 0x3f8", /claims ports .* which belong to com1/],
    ["--image boot.bin --post-until 256", /--post-until 256: give a whole number, 0 to 255/],
    ["--image nowhere.bin", /--image nowhere.bin: no such file/],
    ["--kernel nowhere", /--kernel nowhere: no such file/],
    ["--image boot.bin --stats /full/s.json", /--stats \/full\/s.json: no space left/],
  ])("run %s: status 2 and one clear line", async (args, message) => {
    const { status, err, out } = await run(args);
    expect(status).toBe(2);
    expect(err).toMatch(message);
    if (args !== "") expect(err).toMatch(/^vitrine run: [^\n]+\n$/);
    expect(out).toBe("");
  });

  it("--help prints the usage and is no error; every verb has one", async () => {
    const { status, out } = await run("--help");
    expect([status, out.startsWith("usage: vitrine run")]).toEqual([0, true]);
    for (const verb of ["asm", "disasm", "guests"]) {
      const environment = new FakeEnvironment();
      expect(await main([verb, "--help"], environment)).toBe(0);
      expect(environment.out).toMatch(new RegExp(`^usage: vitrine ${verb}`));
    }
  });

  it("tell POST codes, and end at one of them or with status 3 before it", async () => {
    const program: Op[] = [{ op: "out", port: 0x190, value: 1 }, { op: "out", port: 0x190, value: 0xff }, ...HALT];
    const seen = await run("--image boot.bin --post-port 0x190 --post-until 0xff", new FakeEnvironment(program));
    expect([seen.status, seen.err]).toEqual([0, "POST 0x01\nPOST 0xff\n"]);
    const missed = await run("--image boot.bin --post-port 0x190 --post-until 2 --stats s.json", new FakeEnvironment(program));
    expect([missed.status, missed.err]).toEqual([3, "POST 0x01\nPOST 0xff\nvitrine: The guest ended at POST code 0xff, not 0x02.\n"]);
    const never = await run("--image boot.bin --post-until 2", new FakeEnvironment(HALT));
    expect([never.status, never.err]).toEqual([3, "vitrine: The guest ended before any POST code, not 0x02.\n"]);
    expect(JSON.parse(new TextDecoder().decode(missed.environment.files.get("s.json")!))).toMatchObject({ postCode: 0xff });
  });

  it("accept --flag=value and hexadecimal ports", async () => {
    const { status } = await run("--image=boot.bin --debug-exit=0xf4", new FakeEnvironment([{ op: "out", port: 0xf4, value: 3 }]));
    expect(status).toBe(7);
  });
});

describe("verbs", () => {
  it.each([
    [[], 2, /^usage: vitrine VERB/],
    [["boot"], 2, /there is no verb "boot"/],
    [["toString"], 2, /there is no verb "toString"/],
    [["snapshot", "info"], 2, /vitrine snapshot: info needs one file/],
  ])("%j ends with %i", async (argv, status, message) => {
    const environment = new FakeEnvironment();
    expect(await main(argv, environment)).toBe(status);
    expect(environment.err).toMatch(message);
  });

  it("help lists them", async () => {
    const environment = new FakeEnvironment();
    expect(await main(["--help"], environment)).toBe(0);
    for (const verb of ["run", "guests", "asm", "disasm"]) expect(environment.out).toContain(`\n  ${verb} `);
  });
});

describe("exit status", () => {
  const statusOf = async (program: Op[], args = ""): Promise<[number, string]> => {
    const { status, err } = await run(`--image boot.bin ${args}`, new FakeEnvironment(program));
    return [status, err];
  };

  it("0 when halted, --until was seen, --max-insns reached", async () => {
    expect(await statusOf(HALT)).toEqual([0, expect.stringMatching(/^vitrine: Halted/)]);
    expect(await statusOf([...print("login: "), ...LOOP], "--until login:")).toEqual([0, ""]);
    expect(await statusOf(LOOP, "--max-insns 100")).toEqual([0, ""]);
  });

  it("(v << 1) | 1 from the debug-exit port, 3 for a crash of the guest, 4 for one of the emulator, 124 for a timeout", async () => {
    expect((await statusOf([{ op: "out", port: 0xf4, value: 0x20 }], "--debug-exit 0xf4"))[0]).toBe(0x41);
    expect(await statusOf([{ op: "triple" }])).toEqual([3, expect.stringMatching(/triple fault/)]);
    expect(await statusOf([{ op: "crash" }])).toEqual([4, expect.stringMatching(/bug of Vitrine/)]);
    expect(await statusOf(LOOP, "--timeout 0.05")).toEqual([124, expect.stringMatching(/timeout: 0.05 s/)]);
  });

  it("4 when the core cannot be had", async () => {
    const environment = new FakeEnvironment(HALT);
    const broken = Object.assign(Object.create(FakeEnvironment.prototype), environment, { core: undefined });
    expect(await main(["run", "--image", "boot.bin"], broken)).toBe(4);
  });
});

describe("images", () => {
  const withFiles = (files: Record<string, Uint8Array>): FakeEnvironment => {
    const environment = new FakeEnvironment([...print("up"), ...HALT]);
    for (const [path, bytes] of Object.entries(files)) environment.files.set(path, bytes);
    return environment;
  };

  it("are told apart by content: bzImage, vmlinux, multiboot with modules", async () => {
    const initrd = cpio();
    for (const [args, files] of [
      ["--kernel k --initrd i --append console=ttyS0", { k: bzImage(), i: initrd }],
      ["--kernel k", { k: vmlinux() }],
      ['--kernel k --initrd "m one,m two"', { k: multibootElf(), m: Uint8Array.of(1) }],
    ] as const) {
      const { status, out } = await run(args, withFiles(files));
      expect([args, status, out]).toEqual([args, 0, "up"]);
    }
  });

  it("built in are assembled; others must be prepared", async () => {
    const up = (): FakeEnvironment => new FakeEnvironment([...print("up"), ...HALT]);
    for (const args of ["--guest hello", "--guest teaching", "--guest exits", '--guest exits --append "cpuid=1"']) {
      expect([args, (await run(args, up())).status]).toEqual([args, 0]);
    }
    expect(await run("--guest hello --append x", up())).toMatchObject({ status: 2, err: expect.stringMatching(/no command line/) });
    expect(await run("--guest hello --initrd x", up())).toMatchObject({ status: 2, err: expect.stringMatching(/has its own/) });
    expect(await run("--guest nosuch", up())).toMatchObject({
      status: 2,
      err: expect.stringMatching(/^vitrine run: --guest nosuch: .*built in are hello, teaching\n$/),
    });
  });

  it("that are truncated or random end with 2 and one line that names the file (200 files)", async () => {
    const next = random(2026);
    const whole = [bzImage(), vmlinux(), multibootElf()];
    for (let i = 0; i < 200; i++) {
      const base = whole[i % 3]!;
      const damaged = i % 2 ? base.slice(0, next() % (base.length - 16)) : Uint8Array.from({ length: next() % 2000 }, () => next() >>> 7);
      const environment = withFiles({ "k.img": i % 5 ? damaged : bzImage(), "i.img": damaged, "b.img": damaged });
      const args = ["--kernel k.img", "--kernel k.img", "--image b.img", "--kernel k.img", "--kernel k.img"][i % 5]!;
      const { status, err } = await run(i % 5 === 0 ? "--kernel k.img --initrd i.img" : args, environment);
      expect(status, `file ${i}: ${err}`).toBe(2);
      expect(err).toMatch(/^vitrine run: [a-z 0-9]+ [kib]\.img: It [^\n]+\.\n$/);
    }
  });
});

describe("the terminal", () => {
  const ready = async (isTerminal: boolean, act: (environment: FakeEnvironment) => void, args = "--until END") => {
    const environment = new FakeEnvironment(
      [...print("ready\n"), ...ECHO.map((op) => (op.op === "jmp" ? { ...op, to: op.to + 6 } : op))],
      isTerminal,
    );
    let acted = false;
    environment.onOutput = (all) => {
      if (acted || !all.includes("ready")) return;
      acted = true;
      act(environment);
    };
    const status = await main(["run", "--image", "boot.bin", ...args.split(" ")], environment);
    return { status, environment };
  };

  it("passes a pipe to COM1 unchanged", async () => {
    const { status, environment } = await ready(false, (e) => e.type("\x01x \x03 END"));
    expect([status, environment.out, environment.keyboardClosed]).toEqual([0, "ready\n\x01x \x03 END", true]);
  });

  it("in raw mode passes keys, and Ctrl-A is the escape key, also when split", async () => {
    const { environment } = await ready(true, (e) => {
      for (const keys of ["a\x03", "\x01", "\x01", "\x01a", "\x01h", "\x01q", "END"]) e.type(keys);
    });
    expect(environment.out).toBe("ready\na\x03\x01\x01END");
    expect(environment.err).toMatch(/Ctrl-A X/);
  });

  it("leaves on Ctrl-A X with status 0, on Ctrl-C outside raw mode with 130", async () => {
    expect((await ready(true, (e) => e.type("b\x01x"))).status).toBe(0);
    const interrupted = await ready(false, (e) => e.interrupt());
    expect([interrupted.status, interrupted.environment.keyboardClosed]).toEqual([130, true]);
  });
});

describe("--stats", () => {
  const DOCUMENTED = [
    ...["instructions", "ticks", "wallSeconds", "cpuSeconds", "mips", "guestSeconds", "exits", "exitsTotal", "shadow", "jit"],
    ...["devices", "unimplemented", "peakRssMb", "stateHash", "exitReason", "postCode"],
  ];
  const statsOf = async (args: string, program: Op[] = LOOP) => {
    const { environment } = await run(`--image boot.bin --memory 1 --stats s.json ${args}`, new FakeEnvironment(program));
    return JSON.parse(new TextDecoder().decode(environment.files.get("s.json")));
  };

  it("writes exactly the documented names, with the host's figures", async () => {
    const stats = await statsOf("--max-insns 500");
    expect(Object.keys(stats).sort()).toEqual([...DOCUMENTED].sort());
    expect(stats).toMatchObject({ instructions: 500, ticks: 500, cpuSeconds: 0, peakRssMb: 77, exitReason: "max-insns" });
    expect(stats.stateHash).toMatch(/^[0-9a-f]{64}$/);
  });

  it("says why the run ended", async () => {
    expect((await statsOf("", HALT)).exitReason).toBe("halted");
    expect((await statsOf("", [{ op: "triple" }])).exitReason).toBe("triple-fault");
    expect((await statsOf("--until x", print("x"))).exitReason).toBe("until");
    expect((await statsOf("--timeout 0.02")).exitReason).toBe("timeout");
  });

  it("shows the same deterministic run however it is cut", async () => {
    const hashes = new Set<string>();
    for (const slice of ["", "--slice 1", "--slice 1000"])
      hashes.add((await statsOf(`--clock deterministic --max-insns 5000 ${slice}`)).stateHash);
    expect(hashes.size).toBe(1);
  });
});

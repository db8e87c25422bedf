/** What boots through SeaBIOS in line 7.1: each gives true where it was reached. */
import { guest, load } from "./tools.mjs";

const { isoImage } = await load("tests/boot/iso-image.ts");
const { pcFile } = await load("tests/boot/pc-files.ts");
const { PcSession } = await load("tests/boot/pc-session.ts");

const text = (value) => new TextEncoder().encode(value);

/** A CD with isolinux, this configuration and these files. */
async function isolinux(configuration, files) {
  return isoImage(
    {
      "ISOLINUX.BIN": await pcFile("isolinux", "isolinux.bin"),
      "LDLINUX.C32": await pcFile("syslinux-common", "ldlinux.c32"),
      "ISOLINUX.CFG": text(`SERIAL 0 115200\nPROMPT 0\nDEFAULT it\nLABEL it\n${configuration}\n`),
      ...files,
    },
    "ISOLINUX.BIN",
  );
}

/** From GRUB's menu to its prompt. */
async function grubPrompt(pc) {
  if (!(await pc.sees("GNU GRUB", 60))) return false;
  await pc.type("c");
  return pc.sees("grub>", 10);
}

export const BOOTS = {
  async "GRUB rescue CD"() {
    const pc = await PcSession.start({ images: { cd: await pcFile("grub-rescue-pc", "cdrom.iso") }, boot: "cdrom" });
    if (!(await grubPrompt(pc))) return [pc, false];
    await pc.type("ls\n");
    return [pc, await pc.sees("(cd)", 20)];
  },

  async "a kernel from a disk by GRUB"() {
    const { kernel, initrd } = await guest("debian");
    const disk = isoImage({ LINUX: kernel, INITRD: initrd, "BOOT.BIN": new Uint8Array(2048) }, "BOOT.BIN");
    const pc = await PcSession.start({
      images: { cd: await pcFile("grub-rescue-pc", "cdrom.iso"), hda: disk },
      ...{ boot: "cdrom", memoryMb: 128 },
    });
    if (!(await grubPrompt(pc))) return [pc, false];
    await pc.type("ls (hd0)/\n");
    if (!(await pc.sees(/initrd.*linux/, 20))) return [pc, false];
    await pc.type("linux (hd0)/linux console=ttyS0 cryptomgr.notests tsc=reliable\ninitrd (hd0)/initrd\nboot\n");
    return [pc, await pc.sees("vitrine:~#", 300)];
  },

  async "GRUB rescue floppy"() {
    const pc = await PcSession.start({ images: { fda: await pcFile("grub-rescue-pc", "floppy.img") }, boot: "floppy" });
    return [pc, await grubPrompt(pc)];
  },

  async iPXE() {
    const pc = await PcSession.start({ images: { cd: await pcFile("ipxe", "ipxe.iso") }, boot: "cdrom" });
    if (!(await pc.sees("Press Ctrl-B for the iPXE command line", 120))) return [pc, false];
    await pc.keys("ControlLeft", "KeyB");
    if (!(await pc.sees("iPXE>", 10))) return [pc, false];
    await pc.type("echo six times seven\n");
    return [pc, await pc.sees(/^six times seven\s*$/m, 10)];
  },

  async "memtest86+ CD"() {
    const pc = await PcSession.start({ images: { cd: await pcFile("memtest86+", "ia32.iso") }, boot: "cdrom", memoryMb: 32 });
    return [pc, await pc.sees(/Pass:\s+1|Passes?: +1/i, 3000)];
  },

  async "memtest86+ by isolinux"() {
    const cd = await isolinux("KERNEL MEMTEST", { MEMTEST: await pcFile("memtest86+", "ia32.bin") });
    const pc = await PcSession.start({ images: { cd }, boot: "cdrom", memoryMb: 32 });
    return [pc, await pc.sees("Memtest86+", 60)];
  },

  async "Debian's kernel by isolinux, off by ACPI"() {
    const { kernel, initrd } = await guest("debian");
    const cd = await isolinux("KERNEL LINUX\nAPPEND initrd=INITRD console=ttyS0 cryptomgr.notests tsc=reliable", {
      LINUX: kernel,
      INITRD: initrd,
    });
    const pc = await PcSession.start({ images: { cd }, boot: "cdrom", memoryMb: 128 });
    if (!(await pc.sees("vitrine:~#", 200))) return [pc, false];
    // With ACPI on: the HPET is found, and the power goes off by S5.
    pc.send("grep -c hpet /proc/timer_list /sys/devices/system/clocksource/clocksource0/available_clocksource; poweroff -f\r");
    await pc.wait(60);
    return [pc, pc.machine.exit?.message === "The guest switched the machine off."];
  },

  async "GRUB's floppy by memdisk"() {
    const cd = await isolinux("KERNEL MEMDISK\nINITRD FLOPPY.IMG", {
      MEMDISK: await pcFile("syslinux-common", "memdisk"),
      "FLOPPY.IMG": await pcFile("grub-rescue-pc", "floppy.img"),
    });
    const pc = await PcSession.start({ images: { cd }, boot: "cdrom", memoryMb: 64 });
    return [pc, await grubPrompt(pc)];
  },

  async "Debian installer, text"() {
    const cd = await isolinux("KERNEL LINUX\nAPPEND initrd=INITRD.GZ console=ttyS0 cryptomgr.notests tsc=reliable ---", {
      LINUX: await pcFile("debian-installer-12-netboot-i386", "text/debian-installer/i386/linux"),
      "INITRD.GZ": await pcFile("debian-installer-12-netboot-i386", "text/debian-installer/i386/initrd.gz"),
    });
    const pc = await PcSession.start({ images: { cd }, boot: "cdrom", memoryMb: 512, accel: process.env.ACCEL ?? "interp" });
    for (const question of ["Select a language", "Select your location", /onfigure the keyboard|eymap to use/]) {
      if (!(await pc.sees(question, 600))) return [pc, false];
      await pc.wait(2);
      pc.send("\r");
    }
    return [pc, await pc.sees(/No Ethernet card was detected/i, 600)];
  },
};

/** Runs the named ones, all by default (VITRINE_PC_BOOTS: names separated by commas). */
export async function runBoots(names = process.env.VITRINE_PC_BOOTS?.split(",") ?? Object.keys(BOOTS)) {
  const results = [];
  for (const name of names) {
    const started = performance.now();
    const [pc, reached] = await BOOTS[name]();
    const { machine } = pc;
    const result = { name, reached, guestSeconds: machine.guestSeconds, instructions: machine.instructions };
    if (!reached && process.env.VITRINE_PC_SHOW) console.error(pc.screen, "\n", pc.serial.slice(-3000), machine.exit);
    console.error(
      `${name}: ${reached ? "reached" : "not reached"} after ${machine.guestSeconds.toFixed(1)} s of guest time, ${((performance.now() - started) / 1000).toFixed(0)} s here`,
    );
    results.push(result);
  }
  return results;
}

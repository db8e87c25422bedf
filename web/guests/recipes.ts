/**
 * Which Debian packages become which guests, and how. A package is named as apt would name it; the version is
 * whatever the mirror has today, because point releases delete older ones.
 */
import { DISK_TOOLS, DISK_TOOLS_AMD64 } from "./disk-tools";
import { GuestsError } from "./guests-error";
import { buildInitrd } from "./initrd";
import type { FileRole, Guest } from "./manifest";
import { BUILT_IN, buildModules, DISK_MODULES, modulePattern } from "./modules";
import { unpackKernel } from "./unpack-kernel";

/** The last Debian release with i386 kernels. */
export const SUITE = "bookworm";
export const ARCHITECTURES = ["i386", "amd64"] as const;
export type Architecture = (typeof ARCHITECTURES)[number];

export interface BuiltFile {
  readonly name: string;
  readonly role: FileRole;
  readonly data: Uint8Array;
  /** Worth a gzip copy for HTTP: not compressed itself, and large. */
  readonly compressible: boolean;
}

export interface ComponentRecipe {
  readonly id: string;
  /** Raised whenever `build` would make other files from the same package. */
  readonly recipe: number;
  readonly package: string;
  readonly architecture: Architecture;
  /** For a meta package: what the package it depends on is called. */
  readonly follows?: RegExp;
  /** Of the package's files, the ones that `build` needs: one each. */
  readonly wanted: readonly RegExp[];
  /** Files that the package may lack. */
  readonly optional?: readonly RegExp[];
  /** `files` are in the order of `wanted`, `optional` ones in that of `optional`. */
  build(files: readonly Uint8Array[], optional: readonly (Uint8Array | undefined)[]): Promise<BuiltFile[]>;
}

async function buildKernel(files: readonly Uint8Array[], modules: readonly (Uint8Array | undefined)[]): Promise<BuiltFile[]> {
  const [vmlinuz, builtIn] = files as [Uint8Array, Uint8Array];
  return [
    { name: "vmlinuz", role: "kernel", data: vmlinuz, compressible: false },
    { name: "vmlinux", role: "vmlinux", data: await unpackKernel(vmlinuz), compressible: true },
    { name: "modules.cpio", role: "modules", data: buildModules(modules, builtIn), compressible: true },
  ];
}

const kernel = (flavour: string, architecture: Architecture): ComponentRecipe => ({
  id: `linux-image-${flavour}`,
  recipe: 4,
  package: `linux-image-${flavour}`,
  architecture,
  follows: new RegExp(`^linux-image-[0-9][0-9.]*(-[0-9]+)?-${flavour}$`),
  wanted: [/^boot\/vmlinuz-/, BUILT_IN],
  optional: DISK_MODULES.map(modulePattern),
  build: buildKernel,
});

const busybox = (id: string, architecture: Architecture): ComponentRecipe => ({
  id,
  recipe: 2,
  package: "busybox-static",
  architecture,
  wanted: [/^(usr\/)?bin\/busybox$/],
  build: async ([binary]) => [{ name: "initrd.cpio", role: "initrd", data: buildInitrd(binary!), compressible: true }],
});

export const COMPONENTS: readonly ComponentRecipe[] = [
  kernel("686", "i386"),
  kernel("686-pae", "i386"),
  busybox("busybox-static", "i386"),
  {
    id: "memtest86+",
    recipe: 1,
    package: "memtest86+",
    architecture: "i386",
    wanted: [/^boot\/memtest86\+?ia32\.bin$/],
    build: async ([image]) => [{ name: "memtest.bin", role: "kernel", data: image!, compressible: false }],
  },
  {
    id: "seabios",
    recipe: 1,
    package: "seabios",
    architecture: "i386",
    wanted: [/^usr\/share\/seabios\/bios-256k\.bin$/, /^usr\/share\/seabios\/vgabios-stdvga\.bin$/],
    build: async ([bios, video]) => [
      { name: "bios.bin", role: "firmware", data: bios!, compressible: false },
      { name: "vgabios.bin", role: "video-firmware", data: video!, compressible: false },
    ],
  },
  {
    id: "grub-rescue-pc",
    recipe: 1,
    package: "grub-rescue-pc",
    architecture: "i386",
    wanted: [/^usr\/lib\/grub-rescue\/grub-rescue-cdrom\.iso$/],
    build: async ([image]) => [{ name: "grub-rescue.iso", role: "cdrom", data: image!, compressible: true }],
  },
  ...DISK_TOOLS,
  kernel("cloud-amd64", "amd64"),
  kernel("amd64", "amd64"),
  busybox("busybox-static-amd64", "amd64"),
  ...DISK_TOOLS_AMD64,
];

export interface GuestRecipe
  extends Omit<Guest, "kernel" | "vmlinux" | "initrd" | "diskInitrds" | "firmware" | "videoFirmware" | "licence" | "components"> {
  readonly kernelFrom: string;
  readonly initrdFrom?: string;
  /** Its CD image is booted through this firmware, instead of a kernel. */
  readonly firmwareFrom?: string;
  /** Components whose archives follow the initrd where the machine has a disk, behind the kernel's modules. */
  readonly diskToolsFrom?: readonly string[];
  /** Prepared only where it is asked for by name: large, or not what most people want. */
  readonly onRequest?: true;
}

/**
 * Without the crypto self-tests and the ISA plug-and-play probe, Debian's kernel reaches the prompt in about a third
 * of the time (docs/guests.md); an unpacked kernel must not move itself; the machine's time-stamp counter is exact.
 */
const LINUX_COMMAND_LINE = "console=ttyS0 cryptomgr.notests noisapnp nokaslr tsc=reliable";

/** In the order in which they are prepared: what most people want first, first. */
export const GUESTS: readonly GuestRecipe[] = [
  {
    id: "debian",
    title: "Debian 12, i386",
    description: "Debian's unmodified Linux kernel with a BusyBox shell on the serial console.",
    kernelFrom: "linux-image-686",
    initrdFrom: "busybox-static",
    diskToolsFrom: DISK_TOOLS.map(({ id }) => id),
    commandLine: LINUX_COMMAND_LINE,
    memoryMb: 128,
  },
  {
    id: "memtest",
    title: "Memtest86+",
    description: "Tests all of RAM; the screen is on the serial console.",
    kernelFrom: "memtest86+",
    commandLine: "console=ttyS0,115200",
    memoryMb: 32,
  },
  {
    id: "debian-pae",
    title: "Debian 12, i386 with PAE",
    description: "The same with Debian's PAE kernel: three-level page tables and no-execute pages.",
    kernelFrom: "linux-image-686-pae",
    initrdFrom: "busybox-static",
    diskToolsFrom: DISK_TOOLS.map(({ id }) => id),
    commandLine: LINUX_COMMAND_LINE,
    memoryMb: 128,
  },
  {
    id: "debian-amd64",
    title: "Debian 12, amd64",
    description: "Debian's unmodified 64-bit kernel for clouds with a 64-bit BusyBox shell on the serial console.",
    kernelFrom: "linux-image-cloud-amd64",
    initrdFrom: "busybox-static-amd64",
    diskToolsFrom: DISK_TOOLS_AMD64.map(({ id }) => id),
    commandLine: LINUX_COMMAND_LINE,
    memoryMb: 256,
    onRequest: true,
  },
  {
    id: "debian-amd64-generic",
    title: "Debian 12, generic amd64",
    description: "The same with Debian's 64-bit kernel for any machine, as an installation has it.",
    kernelFrom: "linux-image-amd64",
    initrdFrom: "busybox-static-amd64",
    diskToolsFrom: DISK_TOOLS_AMD64.map(({ id }) => id),
    commandLine: LINUX_COMMAND_LINE,
    memoryMb: 256,
    onRequest: true,
  },
  {
    id: "grub",
    title: "GRUB rescue CD",
    description: "GRUB's command line, booted from CD through SeaBIOS with a VGA screen.",
    kernelFrom: "grub-rescue-pc",
    firmwareFrom: "seabios",
    commandLine: "",
    memoryMb: 64,
    onRequest: true,
  },
];

export const componentsOf = (guest: GuestRecipe): ComponentRecipe[] =>
  [guest.kernelFrom, guest.initrdFrom, guest.firmwareFrom, ...(guest.diskToolsFrom ?? [])]
    .filter((id) => id !== undefined)
    .map((id) => COMPONENTS.find((component) => component.id === id)!);

/** Recipes by guest id, in preparation order; for undefined all that are not on request, and those that are `there` already. Throws GuestsError "not-found". */
export function guestRecipes(ids: readonly string[] | undefined, there: readonly string[] = []): GuestRecipe[] {
  const unknown = ids?.find((id) => !GUESTS.some((guest) => guest.id === id));
  if (unknown !== undefined)
    throw new GuestsError("not-found", `there is no guest "${unknown}": choose from ${GUESTS.map((guest) => guest.id).join(", ")}`);
  return GUESTS.filter((guest) => (ids ? ids.includes(guest.id) : !guest.onRequest || there.includes(guest.id)));
}

/** The I/O permission map against every size and kind of access, in protected and virtual-8086 mode: SDM 1 "I/O Permission Bit Map". */
import { type Case, user, virtual8086 } from "../image";

/** Ports 88h to 8Bh are forbidden; the map ends with the port FFh byte and the byte of ones that must follow. */
const MAP = "mov word [tss+0x66], 0x68\nmov word [tss+0x68+0x10], 0x0f00\nmov byte [tss+0x68+0x83], 0xff";
const PLACES: readonly [name: string, port: number][] = [
  ["before", 0x84],
  ["up to", 0x87],
  ["at", 0x88],
  ["end of", 0x8b],
  ["behind", 0x8c],
];
const ACCESSES: readonly [name: string, code: string][] = [
  ["in al", "in al, dx"],
  ["in ax", "in ax, dx"],
  ["in eax", "in eax, dx"],
  ["out al", "out dx, al"],
  ["out ax", "out dx, ax"],
  ["out eax", "out dx, eax"],
  ["insb", "insb"],
  ["outsw", "outsw"],
  ["rep outsd", "rep outsd"],
];

const reach = (code: string, port: number, set: (name: string, value: number) => string): string =>
  `${set("dx", port)}\n${/s[bwd]/.test(code) ? `${set("si", 0x100)}\n${set("di", 0x200)}\n${set("cx", 2)}` : ""}\n${code}\n${set("ax", 7)}`;

export const PORTS: readonly Case[] = [
  ...PLACES.flatMap(([place, port]) =>
    ACCESSES.flatMap(([name, code]): Case[] => [
      {
        name: `${name} ${place} the forbidden ports at level 3`,
        code: `${MAP}\n${user(
          reach(
            code,
            port,
            (register, value) => `mov e${register}, ${register === "si" || register === "di" ? `scratch+${value}` : value}`,
          ),
        )}`,
      },
      {
        name: `${name} ${place} the forbidden ports in virtual-8086 mode with IOPL 3`,
        code: `${MAP}\n${virtual8086(
          `${reach(code, port, (register, value) => `mov ${register}, ${value}`)}\nmovzx eax, ax\nud2`,
          0x23002,
        )}`,
      },
    ]),
  ),
  { name: "a map whose base is the limit forbids all", code: `mov word [tss+0x66], 0xec\n${user("mov edx, 0x61\nin al, dx")}` },
  {
    name: "two bytes of the map are read: the second lies beyond the limit",
    code: `mov word [tss+0x66], 0xeb\n${user("in al, 0\nmov eax, 7")}`,
  },
  { name: "level 1 with IOPL 0 asks the map", code: `${MAP}\n${atLevel1("mov edx, 0x88\nin al, dx")}` },
  { name: "level 1 with IOPL 1 does not", code: `${MAP}\n${atLevel1("mov edx, 0x88\nin al, dx\nmov eax, 7", 0x1002)}` },
];

function atLevel1(code: string, flags = 2): string {
  return `mov eax, UDATA|3\nmov ds, ax\npush dword DATA1|1\npush dword STACK1\npush dword ${flags}\npush dword CODE1|1\npush dword .user\niretd\n.user:\n${code}\nint 0x80`;
}

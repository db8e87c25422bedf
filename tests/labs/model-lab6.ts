/** Lab 6: model answers, and wrong ones with the reason that a student must be given. Not part of what is built. */
import type { Constants } from "../../web/labs/constants";
import type { Model } from "./models";

const PAGES = `
        mov dword [COUNTER], earlier
snap:
        mov dword [COUNTER], later
        mov edi, 0x300000
        mov ecx, pages - 1
next:
        mov dword [edi], 1
        add edi, 4096
        dec ecx
        jnz next
        cli
        hlt`;

/** Routines a, b and c: those that write element 16 of the buffer. */
const faulty = ({ la, lb, lc }: Constants): number[] => [la!, lb!, lc!].flatMap((length, n) => (length > 16 ? [n] : []));
const written = (routine: number): number => 0x1000 * (routine + 1) + 16;
/** Each routine begins at a multiple of 64; three MOV of 5 bytes come before the one that writes. */
const writer = (c: Constants): number => 0x100040 + 64 * faulty(c).at(-1)! + 15;
const hex = (value: number): string => value.toString(16);

export const LAB6: Model = {
  answers: (c) => ({
    holds: {
      pages: `${c.again! + c.fresh!}`,
      size: `${4 * (c.again! + c.fresh!)}`,
      full: "1024",
      same: "that of the snapshot",
      replay: "as the first",
    },
    pages: PAGES,
    who: {
      count: `${faulty(c).length}`,
      last: hex(written(faulty(c).at(-1)!)),
      writer: hex(writer(c)),
      before: hex(faulty(c).length > 1 ? written(faulty(c).at(-2)!) : c.secret!),
    },
  }),
  wrong: [
    { task: "holds", change: (c) => ({ pages: `${c.again! + c.looked! + c.fresh!}` }), reason: /Reading changes nothing/ },
    { task: "holds", change: (c) => ({ pages: `${c.fresh!}` }), reason: /what is written is not looked at/ },
    { task: "holds", change: (c) => ({ pages: `${c.filled!}` }), reason: /in it already/ },
    { task: "holds", change: { replay: "differently" }, reason: /its time is rolled back with it/ },
    { task: "pages", answer: PAGES.replace("pages - 1", "pages"), reason: /one too many\. The counter's page is one of them/ },
    {
      task: "pages",
      answer: PAGES.replace("add edi, 4096", "add edi, 4"),
      reason: /The core found 2 pages written after the snapshot; \d+ are asked for/,
    },
    {
      task: "pages",
      answer: PAGES.replace("        mov dword [COUNTER], earlier\n", ""),
      reason: /When the snapshot was taken, the dword at COUNTER was 0/,
    },
    {
      task: "pages",
      answer: PAGES.replace("snap:\n", "jmp over\nsnap:\nover:\n").replace("snap:\nover:", "snap: nop\nover:"),
      reason: /was never reached/,
    },
    { task: "pages", answer: PAGES.replace("snap:", "other:"), reason: /snap/ },
    { task: "who", change: (c) => ({ writer: hex(writer(c) + 2) }), reason: /stands behind the writing instruction/ },
    { task: "who", change: (c) => ({ last: hex(c.secret!) }), reason: /before anybody wrote/ },
    { task: "who", change: { count: "48" }, reason: /Element 16 of the buffer is the victim/ },
    { task: "who", change: (c) => ({ before: hex(written(faulty(c).at(-1)!)) }), reason: /That is what it wrote/ },
  ],
};

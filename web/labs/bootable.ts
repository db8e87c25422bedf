/** A run of a lab as one image that the page's machine boots, so that a student can step through it and look inside. */
import { bootImage, flatImage } from "../assembler/boot-image";
import { build, SourceRefused } from "./build";
import type { Run, StudentLab } from "./format";

export interface Bootable {
  readonly image: Uint8Array<ArrayBuffer>;
  readonly kind: "sector" | "flat32";
}

/** Throws SourceRefused, LabBroken. Whatever lies between the programs is zero, as it is in a fresh machine. */
export function bootable(student: StudentLab, run: Run, source: string | undefined): Bootable {
  const { images, entry } = build(student, run, run.answer ? (source ?? "") : undefined);
  const org = Math.min(...images.map(({ address }) => address));
  const bytes = new Uint8Array(Math.max(...images.map((image) => image.address + image.bytes.length)) - org);
  for (const image of images) bytes.set(image.bytes, image.address - org);
  if (run.mode === "protected") return { image: flatImage(bytes, org, entry), kind: "flat32" };
  const image = bootImage({ bytes, org, labels: new Map(), lines: [], errors: [] }, "sector");
  if ("line" in image) throw new SourceRefused(`It cannot be booted: ${image.message}.`);
  return { image, kind: "sector" };
}

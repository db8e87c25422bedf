/** The guests that come with Vitrine, by id, as the bytes of their images. */
import { assembleGuest, findBuiltInGuest } from "../../bios/index";
import { ImageUnreadable } from "../lib/errors";

/** Throws ImageUnreadable for an id that there is not. */
export function builtinImage(id: string): Uint8Array {
  const guest = findBuiltInGuest(id);
  if (!guest) throw new ImageUnreadable(id, "There is no built-in machine of this name.", "Choose another one.");
  return assembleGuest(guest);
}

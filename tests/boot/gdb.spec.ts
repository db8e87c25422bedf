/** Debian's gdb debugs the guest's kernel by the kernel's own symbols. */
import { expect, it } from "vitest";
import { needTools } from "../guests/tools";
import { gdbSession } from "./gdb";
import { needGuest } from "./prepared-guests";

it("gdb breaks by symbol, steps both ways, reads, writes, watches and continues", { timeout: 300_000 }, async (context) => {
  const guest = await needGuest(context, "debian");
  needTools(context, "gdb");
  const { wrong, status } = await gdbSession(guest);
  expect(wrong).toEqual([]);
  expect(status).toBe(0);
});

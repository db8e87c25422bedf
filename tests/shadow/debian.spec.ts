/** The shadow tables of a booting Debian, looked at by their checker again and again; and the bugs that it must find. */
import { describe, expect, it } from "vitest";
import { needGuest } from "../boot/prepared-guests";
import { bootWithAbsentFrames, bootWithAllFrames } from "./absent-frames";
import { checkedBoot } from "./checked-boot";
import { freedTableCost, linuxSwitchCost, switchCost } from "./costs";
import { MUTATIONS, runMutation } from "./seeded-mutations";

const LONG = { timeout: 1_800_000 };

describe("the shadow checker in a boot", () => {
  for (const [id, flush] of [
    ["debian", false],
    ["debian-pae", false],
    ["debian", true],
  ] as const)
    it(`finds nothing wrong in ${id}${flush ? ", shadow tables flushed" : ""}`, LONG, async (context) => {
      const { finding, reachedPrompt, checks } = await checkedBoot(await needGuest(context, id), { every: 300_000, flush });
      expect(finding).toBeUndefined();
      expect(reachedPrompt).toBe(true);
      expect(checks).toBeGreaterThan(500);
    });

  for (const mutation of MUTATIONS)
    it(`fails on: ${mutation.name}`, LONG, async (context) => {
      const { sound, seeded } = await runMutation(mutation, await needGuest(context, mutation.guest), 300_000);
      expect(seeded).toBeDefined();
      expect(sound).toBeUndefined();
    });
});

describe("costs", () => {
  it("a warm switch between two address spaces has at most 2 hidden faults", async () => {
    const { switches, hiddenFaultsPerSwitch } = await switchCost(1000);
    expect(switches).toBe(2000);
    expect(hiddenFaultsPerSwitch).toBeLessThanOrEqual(2);
  });

  it("two processes of Debian with a pipe between them: the same, and far more if all is flushed", LONG, async (context) => {
    const guest = await needGuest(context, "debian");
    const keep = await linuxSwitchCost(guest, 40_000_000, "keep");
    expect(keep.switches).toBeGreaterThan(50);
    expect(keep.hiddenFaultsPerSwitch).toBeLessThanOrEqual(2);
    expect((await linuxSwitchCost(guest, 40_000_000, "flush")).hiddenFaultsPerSwitch).toBeGreaterThan(10);
  });

  it("a page that was a page table is an ordinary page after 64 stores", async () => {
    const { tracked, later } = await freedTableCost();
    expect(tracked).toBeLessThanOrEqual(64);
    expect(later).toBe(0);
  });
});

describe("absent frames", () => {
  it("make no difference to a Debian boot", LONG, async (context) => {
    const guest = await needGuest(context, "debian");
    const { hash, instructions, reachedPrompt } = await bootWithAllFrames(guest);
    const late = await bootWithAbsentFrames(guest, 7);
    expect(late).toMatchObject({ hash, instructions, reachedPrompt });
    expect(reachedPrompt).toBe(true);
    expect(late.frames).toBeGreaterThan(5000);
  });
});

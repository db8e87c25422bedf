/** What a tab takes of the computer's memory, from the operating system: the process in which Chromium runs the page and its worker. */
import { existsSync, readFileSync } from "node:fs";
import type { Browser } from "@playwright/test";

export interface TabMemory {
  /** Resident now, its share of Chromium's own program included. */
  readonly residentMb: number;
  /** The most that was ever resident. */
  readonly peakMb: number;
  /** Of the resident memory, what belongs to no file: what the page itself has caused. */
  readonly ownMb: number;
}

/** Why it cannot be told here, or undefined. */
export const tabMemoryMissing = (): string | undefined =>
  existsSync("/proc/self/status") ? undefined : "a process's memory is read from /proc, which this system does not have";

/** The largest of the browser's pages. */
export async function tabMemory(browser: Browser): Promise<TabMemory> {
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send("SystemInfo.getProcessInfo");
  await session.detach();
  const tabs = processInfo.filter(({ type }) => type === "renderer").map(({ id }) => memoryOf(id));
  return tabs.reduce((largest, tab) => (tab.peakMb > largest.peakMb ? tab : largest));
}

function memoryOf(pid: number): TabMemory {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const mb = (name: string): number => Number(new RegExp(`^${name}:\\s*(\\d+) kB`, "m").exec(status)![1]) / 1024;
  return { residentMb: mb("VmRSS"), peakMb: mb("VmHWM"), ownMb: mb("RssAnon") + mb("RssShmem") };
}

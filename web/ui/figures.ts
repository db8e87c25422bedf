/** The status line's figures in words. */
import type { Phase, SessionState } from "./session";

const HALTED_SHARE = 0.95;

/** While the guest waits in HLT its speed is nothing to be measured by. */
export function speedText(phase: Phase, status: SessionState["status"]): string {
  if (phase !== "running" || !status) return "–";
  if (status.idle >= HALTED_SHARE) return "idle";
  return `${status.mips < 10 ? status.mips.toFixed(1) : Math.round(status.mips)} MIPS`;
}

/** "1.23 G", three digits. */
export function countText(count: number): string {
  for (const [unit, name] of [
    [1e9, " G"],
    [1e6, " M"],
    [1e3, " k"],
  ] as const)
    if (count >= unit) {
      const scaled = count / unit;
      return `${scaled.toFixed(scaled < 10 ? 2 : scaled < 100 ? 1 : 0)}${name}`;
    }
  return String(count);
}

/** "12.3 s", "4:05", "1:02:03". */
export function timeText(seconds: number): string {
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const whole = Math.floor(seconds);
  const two = (n: number): string => String(n).padStart(2, "0");
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return hours > 0 ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

type Unimplemented = NonNullable<SessionState["status"]>["unimplemented"];

/** What is not an instruction is a register: model-specific ones, which systems ask for and can do without. */
export const isInstruction = ({ bytes }: Unimplemented[number]): boolean => !/^(MSR|register) /.test(bytes);

/** "1 unknown instruction, 3 unknown MSRs"; empty if there is nothing. */
export function unknownText(list: Unimplemented): string {
  const instructions = list.filter(isInstruction).length;
  const counted = (count: number, name: string): string[] => (count === 0 ? [] : [`${count} unknown ${name}${count === 1 ? "" : "s"}`]);
  return [...counted(instructions, "instruction"), ...counted(list.length - instructions, "MSR")].join(", ");
}

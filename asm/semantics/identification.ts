/** CPUID, time stamp, performance counters, model-specific registers. SDM 2A/2B/2C pages of the same names. */
import { Cr4 } from "../core/control-registers";
import { cpu } from "../core/cpu";
import { Exit } from "../core/events.generated";
import { exit } from "../core/exits";
import { Vector, faulted, raiseError } from "../core/pending-trap";
import { unimplemented } from "../core/unimplemented";
import { Insn } from "../decode/insn";
import { Leaf, cpuid } from "../vmm/cpuid";
import { readMsr, writeMsr } from "../vmm/msr";
import { goOn } from "../vmm/transfer";
import { readTsc } from "../vmm/tsc";

/** `kind` of core/unimplemented.ts: neither instruction nor MSR. */
const OTHER: u64 = 2;

function setEdxEax(value: u64): void {
  cpu.rax = value & 0xffffffff;
  cpu.rdx = value >> 32;
}

export function CPUID(i: Insn): void {
  exit(Exit.Cpuid, cpu.rax & 0xffffffff);
  cpuid(<u32>cpu.rax, <u32>cpu.rcx);
  cpu.rax = <u64>Leaf.eax;
  cpu.rbx = <u64>Leaf.ebx;
  cpu.rcx = <u64>Leaf.ecx;
  cpu.rdx = <u64>Leaf.edx;
}

function tscForbidden(): bool {
  if (!(cpu.cr4 & Cr4.TSD) || cpu.cpl == 0) return false;
  raiseError(Vector.GP, 0);
  return true;
}
export function RDTSC(i: Insn): void {
  exit(Exit.Rdtsc, 0);
  if (!tscForbidden()) setEdxEax(readTsc());
}
export function RDTSCP(i: Insn): void {
  exit(Exit.Rdtsc, 0);
  if (tscForbidden()) return;
  setEdxEax(readTsc());
  cpu.rcx = cpu.msrTscAux & 0xffffffff;
}

/** There are no performance counters: every number is out of range. */
export function RDPMC(i: Insn): void {
  exit(Exit.Rdpmc, cpu.rcx & 0xffffffff);
  if (cpu.cr4 & Cr4.PCE || cpu.cpl == 0) unimplemented(OTHER, cpu.rcx & 0xffffffff);
  raiseError(Vector.GP, 0);
}

export function RDMSR(i: Insn): void {
  exit(Exit.Rdmsr, cpu.rcx & 0xffffffff);
  const value = readMsr(<u32>cpu.rcx);
  if (!faulted()) setEdxEax(value);
}
export function WRMSR(i: Insn): void {
  exit(Exit.Wrmsr, cpu.rcx & 0xffffffff);
  writeMsr(<u32>cpu.rcx, (cpu.rdx << 32) | (cpu.rax & 0xffffffff));
  if (!faulted()) goOn(i);
}

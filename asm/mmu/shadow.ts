import { Cr0, Cr4, Efer } from "../core/control-registers";
import { cpu } from "../core/cpu";
import { Eflags } from "../core/eflags";
import { notifyMappingChanged } from "../core/hooks";
import { TLB_SUPERVISOR } from "../core/memory-map";
import { Walk } from "./page-walk";
import { ContextKind, PagingMode, Role } from "./paging-entry";
import { Physical } from "./physical";
import { Tlb } from "./tlb";

const LEAF: usize = memory.data(8, 8);

export class Paging {
  static role: u32 = 0;
  static root: u32 = 1;
}
export class Shadow {
  static find(linear: u32): usize {
    return 0;
  }
  static install(linear: u32): usize {
    store<u32>(LEAF, <u32>Physical.hostPage(Walk.frame) | Walk.word);
    store<u32>(LEAF, Walk.frame, 4);
    return LEAF;
  }
}
export function updateContext(): void {
  const user = cpu.cpl == 3;
  let kind = ContextKind.Supervisor;
  if (user) kind = ContextKind.User;
  else if (Paging.role & Role.Smap && cpu.eflags & Eflags.AC) kind = ContextKind.SupervisorAc;
  cpu.context = (Paging.root << 2) | kind;
  cpu.contextSupervisor = Paging.root << 2;
  cpu.tlb = Tlb.table(kind);
  cpu.tlbSupervisor = <u32>TLB_SUPERVISOR;
}
export function pagingChanged(): void {
  Physical.a20Mask = cpu.a20 ? 0xffffffff : ~0x100;
  let role: u32 = 0;
  if (cpu.cr0 & Cr0.PG) {
    role = cpu.cr4 & Cr4.PAE ? PagingMode.Pae : PagingMode.Legacy;
    if (cpu.cr4 & Cr4.PSE) role |= Role.Pse;
    if (cpu.efer & Efer.NXE) role |= Role.Nxe;
    if (cpu.cr0 & Cr0.WP) role |= Role.Wp;
    if (cpu.cr4 & Cr4.SMEP) role |= Role.Smep;
    if (cpu.cr4 & Cr4.SMAP) role |= Role.Smap;
  }
  Paging.role = role;
  Tlb.dropAll();
  notifyMappingChanged();
  updateContext();
}
/** INVLPG. */
export function invalidatePage(linear: u32): void {
  Tlb.dropPage(linear);
  notifyMappingChanged();
}

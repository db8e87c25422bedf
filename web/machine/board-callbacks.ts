/** What the core asks of its board, handed on. */
import type { CoreCallbacks } from "./core";
import type { Pc } from "./pc";
import { TSC_PER_NS } from "./scheduler";

/** `board` may be asked once the core runs. */
export const boardCallbacks = (board: () => Pc): CoreCallbacks => ({
  portRead: (port, size) => board().portRead(port, size),
  portWrite: (port, value, size) => board().portWrite(port, value, size),
  mmioRead: (address, size) => board().mmioRead(address, size),
  mmioWrite: (address, value, size) => board().mmioWrite(address, value, size),
  acknowledgeInterrupt: () => board().acknowledgeInterrupt(),
  ferr: (level) => board().ferr(level),
  apicBase: (base, enabled, extended) => board().apics?.local.setBase(base, enabled, extended),
  readLocalApic: (register) => board().apics?.local.readMsr(register) ?? 0n,
  writeLocalApic: (register, value) => board().apics?.local.writeMsr(register, value),
  tscDeadline: (deadline, tsc) => board().apics?.local.setDeadline(deadline, tsc, 1 / TSC_PER_NS),
  taskPriority: (priority) => board().apics?.local.setTaskPriority(priority),
  readTaskPriority: () => board().apics?.local.taskPriority ?? 0,
  readTscDeadline: () => board().apics?.local.deadline ?? 0n,
  // The loop sees it from the run's end.
  frameMissing: () => {},
});

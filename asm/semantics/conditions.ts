/**
 * The sixteen conditions (SDM Vol 1 appendix B.1) as types, so that each conditional handler is compiled for its
 * condition. `code` is the encoding; `test` answers from the lazy flags.
 */
import { Flag } from "../core/eflags";

@final @unmanaged export class O { @inline code(): u32 { return 0; } @inline test(): u32 { return Flag.of(); } }
@final @unmanaged export class NO { @inline code(): u32 { return 1; } @inline test(): u32 { return Flag.of() ^ 1; } }
@final @unmanaged export class B { @inline code(): u32 { return 2; } @inline test(): u32 { return Flag.cf(); } }
@final @unmanaged export class NB { @inline code(): u32 { return 3; } @inline test(): u32 { return Flag.cf() ^ 1; } }
@final @unmanaged export class Z { @inline code(): u32 { return 4; } @inline test(): u32 { return Flag.zf(); } }
@final @unmanaged export class NZ { @inline code(): u32 { return 5; } @inline test(): u32 { return Flag.zf() ^ 1; } }
@final @unmanaged export class BE { @inline code(): u32 { return 6; } @inline test(): u32 { return Flag.cf() | Flag.zf(); } }
@final @unmanaged export class NBE { @inline code(): u32 { return 7; } @inline test(): u32 { return (Flag.cf() | Flag.zf()) ^ 1; } }
@final @unmanaged export class S { @inline code(): u32 { return 8; } @inline test(): u32 { return Flag.sf(); } }
@final @unmanaged export class NS { @inline code(): u32 { return 9; } @inline test(): u32 { return Flag.sf() ^ 1; } }
@final @unmanaged export class P { @inline code(): u32 { return 10; } @inline test(): u32 { return Flag.pf(); } }
@final @unmanaged export class NP { @inline code(): u32 { return 11; } @inline test(): u32 { return Flag.pf() ^ 1; } }
@final @unmanaged export class L { @inline code(): u32 { return 12; } @inline test(): u32 { return Flag.sf() ^ Flag.of(); } }
@final @unmanaged export class NL { @inline code(): u32 { return 13; } @inline test(): u32 { return Flag.sf() ^ Flag.of() ^ 1; } }
@final @unmanaged export class LE { @inline code(): u32 { return 14; } @inline test(): u32 { return (Flag.sf() ^ Flag.of()) | Flag.zf(); } }
@final @unmanaged export class NLE { @inline code(): u32 { return 15; } @inline test(): u32 { return ((Flag.sf() ^ Flag.of()) | Flag.zf()) ^ 1; } }

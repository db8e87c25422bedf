/**
 * Upward notice without upward imports: lower rooms call these function indices, which `asm/index.ts` registers at
 * start-up (mmu → decode, jit).
 */
type FrameRangeHook = (frame: u32, first: u32, last: u32) => void;
type Hook = () => void;
type BlockHook = (region: u32, block: u32) => void;

let codeWritten: FrameRangeHook = (frame: u32, first: u32, last: u32): void => {};
let mappingChanged: Hook = (): void => {};
let blocksMove: Hook = (): void => {};
let blockMoved: BlockHook = (region: u32, block: u32): void => {};

/** A store touched bytes first…last (offsets) of a frame that holds decoded code. */
export function onCodeWritten(hook: FrameRangeHook): void {
  codeWritten = hook;
}
export function notifyCodeWritten(frame: u32, first: u32, last: u32): void {
  codeWritten(frame, first, last);
}

/** An executable mapping was dropped or changed, or the root changed: linear RIP → block memos are stale. */
export function onMappingChanged(hook: Hook): void {
  mappingChanged = hook;
}
export function notifyMappingChanged(): void {
  mappingChanged();
}

/** Decoded blocks are about to move, which `moved` then says of each with a region. */
export function onBlocksMove(before: Hook, moved: BlockHook): void {
  blocksMove = before;
  blockMoved = moved;
}
export function notifyBlocksMove(): void {
  blocksMove();
}
/** The block that region `region` begins with lies at `block` now. */
export function notifyBlockMoved(region: u32, block: u32): void {
  blockMoved(region, block);
}

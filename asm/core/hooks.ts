/**
 * Upward notice without upward imports: lower rooms call these function indices, which `asm/index.ts` registers at
 * start-up (mmu → decode, jit).
 */
type FrameRangeHook = (frame: u32, first: u32, last: u32) => void;
type Hook = () => void;

let codeWritten: FrameRangeHook = (frame: u32, first: u32, last: u32): void => {};
let mappingChanged: Hook = (): void => {};

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

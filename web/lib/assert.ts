/** What the host code believes. A failed assertion is a bug of Vitrine and throws AssertionFailed; guests cannot cause one. */
import { AssertionFailed } from "./errors";

/** `expectation` says what must hold, as a sentence without full stop. */
export function assert(condition: boolean, expectation: string): asserts condition {
  if (!condition) throw new AssertionFailed(expectation);
}

/** For the default branch of a `switch` over a closed union: compiles only when every case is handled. */
export function unreachable(value: never): never {
  throw new AssertionFailed(`no other value exists, but: ${String(value)}`);
}

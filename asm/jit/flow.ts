/** What the instruction being written says about where it goes, and what is known of its flags. */
import { Local } from "./values";

export class Flow {
  /** 0 or 1: is the relative branch taken? */
  static condition: Local = changetype<Local>(0);
  /** RIP of a computed transfer. */
  static target: Local = changetype<Local>(0);
  /** Its arithmetic flags are overwritten before anybody can see them. */
  static flagsDead: bool = false;
  /** The sum or difference just made had a carry in: its flags do not follow from its operands alone. */
  static carryIn: bool = false;

  static begin(dead: bool): void {
    Flow.condition = changetype<Local>(0);
    Flow.target = changetype<Local>(0);
    Flow.flagsDead = dead;
    Flow.carryIn = false;
  }
}

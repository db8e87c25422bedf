/** All rows. A row's id is its position here: stable within a build, never saved. */
import { ONE_BYTE } from "./one-byte";
import type { Row } from "./row";
import { TWO_BYTE_SIMD } from "./sse";
import { THREE_BYTE_3A, THREE_BYTE_38 } from "./three-byte";
import { TWO_BYTE } from "./two-byte";
import { X87_ROWS } from "./x87";

export type { Feature, Form, Operand, Row, RowAttributes, Unit } from "./row";
export const ROWS: readonly Row[] = [...ONE_BYTE, ...X87_ROWS, ...TWO_BYTE, ...TWO_BYTE_SIMD, ...THREE_BYTE_38, ...THREE_BYTE_3A];

/** What a bad file must lead to: exit status 2 or 3 and one clear line, soon. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Finished, tail, vitrine } from "../boot/command-line";
import type { CorpusFile } from "./files";

const TIMEOUT_SECONDS = 30;
const LONGEST_LINE = 300;

/** What is wrong with how `vitrine run` ended; undefined: nothing. */
export function objection(finished: Finished): string | undefined {
  const { status, stderr } = finished;
  if (status !== 2 && status !== 3) return `${status === null ? "hangs" : `exit status ${status}`}; ${tail(finished)}`;
  if (!/^[^\n]+\n$/.test(stderr)) return `not one line: ${JSON.stringify(stderr)}`;
  if (!/^vitrine( run)?: [\x20-\x7e]{20,}\n$/.test(stderr) || stderr.length > LONGEST_LINE) return `not a clear line: ${stderr}`;
  return undefined;
}

export interface Tried {
  readonly file: CorpusFile;
  readonly finished: Finished;
  readonly objection: string | undefined;
}

/** Gives each file to a `vitrine run` of its own; `kernel` is the whole kernel that initrds are given beside. */
export async function tryAll(files: Iterable<CorpusFile>, kernel: string): Promise<Tried[]> {
  const folder = mkdtempSync(join(tmpdir(), "vitrine-corpus-"));
  const path = join(folder, "file");
  const tried: Tried[] = [];
  try {
    for (const file of files) {
      writeFileSync(path, file.bytes);
      const what = file.role === "initrd" ? ["--kernel", kernel, "--initrd", path] : [`--${file.role}`, path];
      const limits = ["--memory", "64", "--timeout", String(TIMEOUT_SECONDS)];
      const finished = await vitrine(["run", ...what, ...limits], { killSeconds: 2 * TIMEOUT_SECONDS });
      tried.push({ file, finished, objection: objection(finished) });
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return tried;
}

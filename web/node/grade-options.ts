/** The arguments of `vitrine grade`. Parsing is pure: options, or one line that says what is wrong. */

export interface GradeOptions {
  /** A lab that comes with Vitrine, or the folder of one. */
  readonly lab: string;
  readonly submissions: readonly string[];
  readonly format: "table" | "csv" | "json";
  readonly out: string | undefined;
  readonly student: string | undefined;
  /** Instead of grading. */
  readonly print: "text" | "template" | "instructor" | undefined;
}

export const GRADE_HELP = `usage: vitrine grade LAB SUBMISSIONS… [--csv | --json] [--out FILE] [--student ID]
       vitrine grade LAB --text | --template [--student ID]
       vitrine grade LAB --instructor
       vitrine grade --list

Checks students' answers to a lab, each in fresh machines with limits of instructions, memory and size: what loops,
crashes or is no program costs its own row. The same answers get the same result, everywhere.

LAB is the name of a lab that comes with Vitrine, or a folder with a lab.json (docs/labs.md).
SUBMISSIONS are files or folders of files, one for each student:
  NAME.txt            an answer file, as the Lab tab of the page exports it
  NAME/TASK.asm       one file for each task: a source, or NAME = ANSWER lines for questions (TASK.txt)
  NAME.TASK.asm       the same without a folder

  --csv               comma-separated values for a spreadsheet: a line for each student
  --json              everything: each check with its reason
  --out FILE          write there instead of to standard output
  --student ID        whose constants the answers are for; otherwise the line "student:" of the answer file,
                      otherwise the file's name
  --text              print the lab as this student sees it
  --template          print an answer file to fill in
  --instructor        print the instructor's page
  --list              print the labs that there are

Exit status: 0 everybody passed, 1 somebody did not, 2 bad arguments, an unreadable lab or no submissions, 4 a fault of
Vitrine.
`;

/** Why the arguments mean nothing, as one line. */
export class BadGradeOption extends Error {}

/** Throws BadGradeOption. "list": the labs are to be listed. */
export function parseGradeOptions(argv: readonly string[]): GradeOptions | "list" {
  const words: string[] = [];
  let format: GradeOptions["format"] | undefined;
  let print: GradeOptions["print"];
  let out: string | undefined;
  let student: string | undefined;
  let list = false;
  for (let at = 0; at < argv.length; at++) {
    const word = argv[at]!;
    const value = (): string => {
      const next = argv[++at];
      if (next === undefined || next === "") throw new BadGradeOption(`${word} needs a value`);
      return next;
    };
    switch (word) {
      case "--csv":
      case "--json":
        if (format !== undefined) throw new BadGradeOption("one of --csv and --json, once");
        format = word === "--csv" ? "csv" : "json";
        break;
      case "--text":
      case "--template":
      case "--instructor":
        if (print !== undefined) throw new BadGradeOption("one of --text, --template and --instructor");
        print = word.slice(2) as GradeOptions["print"];
        break;
      case "--out":
        out = value();
        break;
      case "--student":
        student = value();
        break;
      case "--list":
        list = true;
        break;
      default:
        if (word.startsWith("-")) throw new BadGradeOption(`unknown option ${word}; vitrine grade --help lists them`);
        words.push(word);
    }
  }
  if (list) return "list";
  const [lab, ...submissions] = words;
  if (lab === undefined) throw new BadGradeOption("which lab? vitrine grade --list lists them");
  if (print === undefined && submissions.length === 0)
    throw new BadGradeOption("give a file or folder of submissions; vitrine grade --help explains");
  if (print !== undefined && submissions.length > 0) throw new BadGradeOption(`--${print} grades nothing: leave ${submissions[0]} out`);
  return { lab, submissions, format: format ?? "table", out, student, print };
}

/** Labs: model answers pass, wrong ones fail for the stated reason, the text is enough, solutions are not in the page. */
import { page } from "./page.mjs";
import { load, verdict } from "./tools.mjs";

const STUDENTS = 20;
const STUDENTS_FOR_WRONG = 5;

/** Line 3.8, and 9.7 with the labs of the glass box. */
export async function labs() {
  const { measureLabs } = await load("tests/labs/measure.ts");
  const { labs, models, modelFailures, wrongs, wrongFailures, fewestWrongs } = await measureLabs(STUDENTS, STUDENTS_FOR_WRONG);
  for (const failure of [...modelFailures, ...wrongFailures]) console.error(failure);
  const shown = page("a student who does what the text of", "model answers and instructors' pages are not in the built page");
  return verdict(
    {
      "model answers pass": modelFailures.length === 0,
      "wrong answers fail for the stated reason": wrongFailures.length === 0,
      "three wrong answers or more for each task": fewestWrongs >= 3,
      "in the page": shown.passed,
    },
    `${labs} labs; ${models - modelFailures.length} of ${models} model answers of ${STUDENTS} students pass; ${wrongs - wrongFailures.length} of ${wrongs} wrong answers of ${STUDENTS_FOR_WRONG} students fail for the stated reason, at least ${fewestWrongs} a task; ${shown.figure}`,
  );
}

export const LABS = [
  { line: "3.8", title: "labs: model answers pass, wrong ones fail for the stated reason, the text is enough", run: labs },
];

/** The instructors' pages of the labs that come with Vitrine. They hold answers in words, so the page does not have them. */

const PAGES = import.meta.glob<string>("../labs/*/instructor.md", { query: "?raw", import: "default", eager: true });

export const instructorPage = (lab: string): string | undefined => PAGES[`../labs/${lab}/instructor.md`];

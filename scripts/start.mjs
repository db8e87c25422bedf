/** `npm start`: builds what is out of date, prepares the guests, serves the page. */
import { start } from "./lib/start.mjs";

start(process.argv.slice(2)).catch((error) => {
  console.error(`start: ${error.message}`);
  process.exit(1);
});

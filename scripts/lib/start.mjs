/** What `npm start` does, once Node is new enough. */
import { join } from "node:path";
import { loadGuestTools, runScript } from "./build-steps.mjs";
import { listen, networkAddresses } from "./listen.mjs";
import { DIST, ROOT } from "./paths.mjs";
import { Preparation } from "./preparation.mjs";
import { ProgressLine } from "./progress-line.mjs";
import { createPageServer } from "./server.mjs";
import { isBuildStale } from "./stale.mjs";
import { parseStartOptions, START_HELP } from "./start-options.mjs";

const BAD_ARGUMENTS = 2;

export async function start(args) {
  const options = parseStartOptions(args);
  if (options.help) {
    process.stdout.write(START_HELP);
    return;
  }
  if ("error" in options) {
    process.stderr.write(`start: ${options.error}\n${START_HELP}`);
    process.exitCode = BAD_ARGUMENTS;
    return;
  }
  if (options.build && isBuildStale()) {
    console.log("Building Vitrine; the first time takes about a minute.");
    await runScript("build.mjs");
  }

  const line = new ProgressLine();
  const folder = process.env.VITRINE_GUESTS ?? join(ROOT, "guests");
  let warned = "";
  const preparation = new Preparation({
    guests: await loadGuestTools(),
    folder,
    offline: options.offline,
    onProgress: (state) => {
      if (state.warning && state.warning !== warned) {
        warned = state.warning;
        line.clear();
        console.log(`guests: ${warned}`);
      }
      line.show(state);
    },
  });
  const server = createPageServer({ dist: DIST, isolation: options.isolation, preparation });
  const port = await listen(server, options);
  stopOnSignal(server, preparation);

  const count = await preparation.begin();
  line.clear();
  if (preparation.state.failed) {
    console.log(`guests: ${preparation.state.message}`);
    console.log(
      count > 0 ? `guests: ${count} from before can be booted` : "guests: the built-in machines and your own files can be booted",
    );
  }
  console.log(`\n  Vitrine is at    http://localhost:${port}/`);
  if (options.host) printNetwork(port);
  console.log("\n  Ctrl+C ends the server.");
}

function printNetwork(port) {
  const addresses = networkAddresses();
  if (addresses.length === 0) console.log("  No network address was found: is this computer connected?");
  for (const address of addresses) console.log(`  for the class    http://${address}:${port}/`);
}

/** Once: end in order. Twice: at once. */
function stopOnSignal(server, preparation) {
  let asked = false;
  for (const signal of ["SIGINT", "SIGTERM"])
    process.on(signal, () => {
      if (asked) process.exit(130);
      asked = true;
      server.close();
      server.closeAllConnections();
      preparation.stop().finally(() => process.exit(0));
    });
}

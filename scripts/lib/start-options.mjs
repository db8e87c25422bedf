/** The arguments of `npm start`. */

export const START_HELP = `usage: npm start [-- [--host] [--port N] [--offline] [--no-isolation] [--no-build]]

Builds what is out of date, prepares the guests (Debian packages from a mirror; nothing is installed and nothing
outside this folder is changed), and serves the page.
  --host           for a class: listen on all addresses and print the one for the local network
  --port N         listen on this port; otherwise 8080 or the next free one
  --offline        prepare guests only from what was fetched before
  --no-isolation   leave out the headers for cross-origin isolation, as simple web hosts do
  --no-build       serve what is built, even if it is out of date
`;

export const DEFAULT_PORT = 8080;

/**
 * @param {string[]} args
 * @returns {{ help: true } | { error: string } | { help: false, host: boolean, port: number | undefined, offline: boolean, isolation: boolean, build: boolean }}
 */
export function parseStartOptions(args) {
  const options = { help: false, host: false, port: undefined, offline: false, isolation: true, build: true };
  for (let i = 0; i < args.length; i++) {
    const [name, inline] = args[i].split(/=(.*)/s, 2);
    if (name === "--help" || name === "-h") return { help: true };
    else if (name === "--port") {
      const text = inline ?? args[++i] ?? "";
      const port = Number(text);
      if (!/^\d+$/.test(text) || port > 65535) return { error: `--port: "${text}" is no port; give a number from 0 to 65535` };
      options.port = port;
    } else if (inline !== undefined) return { error: `${name} takes no value` };
    else if (name === "--host") options.host = true;
    else if (name === "--offline") options.offline = true;
    else if (name === "--no-isolation") options.isolation = false;
    else if (name === "--no-build") options.build = false;
    else return { error: `unknown option ${args[i]}` };
  }
  return options;
}

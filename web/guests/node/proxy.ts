/** Proxies as curl and apt take them from the environment: http_proxy, https_proxy, all_proxy, no_proxy. */

export type Environment = Readonly<Record<string, string | undefined>>;

const setting = (env: Environment, name: string): string | undefined => env[name] || env[name.toUpperCase()] || undefined;

/** The proxy to go through for `url`, or undefined. A value that is no http(s) URL is not used. */
export function proxyFor(url: URL, env: Environment): URL | undefined {
  if (isExcluded(url, setting(env, "no_proxy") ?? "")) return undefined;
  // HTTP_PROXY in capitals is left alone: a web server may have set it from a request header.
  const own = url.protocol === "https:" ? setting(env, "https_proxy") : env.http_proxy || undefined;
  const value = own ?? setting(env, "all_proxy");
  if (value === undefined) return undefined;
  const proxy = URL.canParse(value) && /^https?:$/.test(new URL(value).protocol) ? value : `http://${value}`;
  return URL.canParse(proxy) ? new URL(proxy) : undefined;
}

/** Entries are host names or suffixes (".example.org", "example.org"), with an optional port; "*" is everything. */
function isExcluded(url: URL, noProxy: string): boolean {
  const port = url.port || (url.protocol === "https:" ? "443" : "80");
  return noProxy
    .split(",")
    .map((entry) => entry.trim().toLowerCase())
    .filter((entry) => entry !== "")
    .some((entry) => {
      if (entry === "*") return true;
      const [, name, entryPort] = /^\.?(.*?)(?::(\d+))?$/.exec(entry)!;
      return (entryPort === undefined || entryPort === port) && (url.hostname === name || url.hostname.endsWith(`.${name}`));
    });
}

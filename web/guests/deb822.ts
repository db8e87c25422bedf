/**
 * Debian's "Field: value" stanzas (deb822(5), Debian Policy 5) as found in Packages, InRelease and *.sources, and the
 * order of version numbers (Policy 5.6.12).
 */

/** Field names in lower case; continuation lines are joined by newlines, without their indent. */
export type Stanza = ReadonlyMap<string, string>;

export function parseStanza(text: string): Stanza {
  const fields = new Map<string, string>();
  let name: string | undefined;
  for (const line of text.split(/\r?\n/)) {
    if (line.startsWith("#")) continue;
    const field = /^([!-9;-~]+):[ \t]*(.*)$/.exec(line);
    if (field) {
      name = field[1]!.toLowerCase();
      fields.set(name, field[2]!.trimEnd());
    } else if (/^[ \t]/.test(line) && name !== undefined) {
      fields.set(name, `${fields.get(name)}\n${line.trim()}`);
    }
  }
  return fields;
}

export const parseStanzas = (text: string): Stanza[] =>
  text
    .split(/\r?\n(?:[ \t]*\r?\n)+/)
    .map(parseStanza)
    .filter((stanza) => stanza.size > 0);

/** Only stanzas whose first field is `Package: NAME` with a wanted name: an index has 60,000 others. */
export async function* packageStanzas(text: AsyncIterable<string>, wanted: (name: string) => boolean): AsyncGenerator<Stanza> {
  let rest = "";
  const pick = function* (stanza: string): Generator<Stanza> {
    const name = /^Package: (\S+)/.exec(stanza)?.[1];
    if (name !== undefined && wanted(name)) yield parseStanza(stanza);
  };
  for await (const chunk of text) {
    const stanzas = (rest + chunk).split("\n\n");
    rest = stanzas.pop()!;
    for (const stanza of stanzas) yield* pick(stanza.trimStart());
  }
  yield* pick(rest.trimStart());
}

/** Negative, zero or positive, like a comparison function. Epoch, then upstream version, then revision. */
export function compareVersions(a: string, b: string): number {
  const split = (version: string): [number, string, string] => {
    const [, epoch, rest] = /^(?:(\d+):)?(.*)$/.exec(version)!;
    const dash = rest!.lastIndexOf("-");
    return dash < 0 ? [Number(epoch ?? 0), rest!, ""] : [Number(epoch ?? 0), rest!.slice(0, dash), rest!.slice(dash + 1)];
  };
  const [epochA, upstreamA, revisionA] = split(a);
  const [epochB, upstreamB, revisionB] = split(b);
  return epochA - epochB || comparePart(upstreamA, upstreamB) || comparePart(revisionA, revisionB);
}

/** "~" sorts before the end, the end before letters, letters before everything else. */
const rank = (char: string): number =>
  char === "~" ? -1 : char === "" ? 0 : /[A-Za-z]/.test(char) ? char.charCodeAt(0) : char.charCodeAt(0) + 256;

/** Alternates between runs of non-digits, by rank, and runs of digits, by value. */
function comparePart(a: string, b: string): number {
  const runs = (text: string): [string, string][] => [...text.matchAll(/(\D*)(\d*)/g)].map((run) => [run[1]!, run[2]!]);
  const [runsA, runsB] = [runs(a), runs(b)];
  for (let i = 0; i < Math.max(runsA.length, runsB.length); i++) {
    const [textA, digitsA] = runsA[i] ?? ["", ""];
    const [textB, digitsB] = runsB[i] ?? ["", ""];
    for (let at = 0; at < Math.max(textA.length, textB.length); at++) {
      const difference = rank(textA.charAt(at)) - rank(textB.charAt(at));
      if (difference !== 0) return difference;
    }
    const difference = Number(digitsA || 0) - Number(digitsB || 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

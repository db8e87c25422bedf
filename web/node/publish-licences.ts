/**
 * What must go along when a machine's memory is given to others: the licence text of every component, a list of their
 * sources, and for copyleft ones the sources themselves or an offer. Not advice on law, but what its texts ask for.
 */
import { copyFile, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import type { Manifest as GuestManifest } from "../guests/manifest";
import type { ComponentRecord } from "../snapshot/manifest";

export interface SourceTerms {
  /** A folder with source packages. */
  readonly sources: string | undefined;
  /** How to get them, in a sentence. */
  readonly offer: string | undefined;
}

/** Publishing stops, and the user reads why. */
export class CannotPublish extends Error {}

/** Licences by which who gives binaries away gives the source, too. What is not known counts among them. */
const isCopyleft = (licence: string): boolean => /\b[AL]?GPL|MPL|EPL|CDDL|EUPL|unknown/i.test(licence);

const sourceOf = (component: ComponentRecord): { readonly package: string; readonly version: string }[] => {
  const named =
    component.source ?? (component.package && component.version ? { package: component.package, version: component.version } : undefined);
  // "linux (= 6.1.176-1), gcc-12 (= 12.2.0-14)"
  const built = [...(component.builtUsing ?? "").matchAll(/([a-z0-9][a-z0-9+.-]*) \(= ([^)]+)\)/g)].map(([, name, version]) => ({
    package: name!,
    version: version!,
  }));
  return [...(named ? [named] : []), ...built];
};

/** Debian's file names have no epoch. */
const filePrefix = (source: { readonly package: string; readonly version: string }): string =>
  `${source.package}_${source.version.replace(/^\d+:/, "")}`;

/** Throws CannotPublish where copyleft components have neither sources nor an offer, or a licence text is not to be found. */
export async function planLicences(
  components: readonly ComponentRecord[],
  terms: SourceTerms,
  guests: { readonly manifest: GuestManifest | undefined; readonly folder: string },
  ownLicence: string,
): Promise<LicencePlan> {
  const copyleft = components.filter(({ licence }) => isCopyleft(licence));
  if (copyleft.length > 0 && !terms.sources && !terms.offer)
    throw new CannotPublish(
      `the memory holds software whose licence asks for its source to go along:\n${copyleft.map(({ id, licence }) => `  ${id}: ${licence}`).join("\n")}\n` +
        `Give --with-sources FOLDER, a folder with their source packages (apt-get source --download-only ${copyleft
          .flatMap(sourceOf)
          .map(({ package: name, version }) => `${name}=${version}`)
          .join(" ")}),\n` +
        `or --source-offer TEXT, which says how whoever gets the machine gets the sources (who, where, for how long).`,
    );
  const texts = new Map<string, string>();
  for (const component of components) texts.set(component.id, await licenceText(component, guests, ownLicence));
  const files = terms.sources === undefined ? [] : await sourceFiles(terms.sources, copyleft);
  return { components, terms, texts, sourceFiles: files };
}

export interface LicencePlan {
  readonly components: readonly ComponentRecord[];
  readonly terms: SourceTerms;
  /** By component. */
  readonly texts: ReadonlyMap<string, string>;
  readonly sourceFiles: readonly string[];
}

async function licenceText(
  { id, licence, package: name, version }: ComponentRecord,
  { manifest, folder }: { readonly manifest: GuestManifest | undefined; readonly folder: string },
  ownLicence: string,
): Promise<string> {
  if (name === undefined && licence === "MIT") return ownLicence;
  const found = manifest?.components.find((each) => each.package === name && each.version === version);
  if (found)
    try {
      return await readFile(join(folder, found.licenceFile.path), "utf8");
    } catch {}
  throw new CannotPublish(
    `the licence text of ${name ?? id} ${version ?? ""} is not in ${folder}. Prepare the same guests (vitrine guests prepare), or name their folder by --guests.`,
  );
}

/** Those of the folder that belong to a component. Throws CannotPublish naming the source that is missing. */
async function sourceFiles(folder: string, components: readonly ComponentRecord[]): Promise<string[]> {
  const names = await readdir(folder).catch(() => {
    throw new CannotPublish(`--with-sources ${folder}: there is no such folder.`);
  });
  const wanted = new Set<string>();
  for (const component of components)
    for (const source of sourceOf(component)) {
      const upstream = `${source.package}_${source.version.replace(/^\d+:/, "").replace(/-[^-]*$/, "")}`;
      const mine = names.filter((name) => name.startsWith(`${filePrefix(source)}.`) || name.startsWith(`${upstream}.orig`));
      if (!mine.some((name) => name.endsWith(".dsc")))
        throw new CannotPublish(
          `--with-sources ${folder}: ${filePrefix(source)}.dsc is not there, which ${component.id} was built from. Get it: apt-get source --download-only ${source.package}=${source.version}`,
        );
      for (const name of mine) wanted.add(join(folder, name));
    }
  return [...wanted];
}

/** Writes LICENSES/, SOURCES.txt and, with sources, SOURCES/ into the folder. */
export async function writeLicences(folder: string, plan: LicencePlan): Promise<void> {
  await mkdir(join(folder, "LICENSES"), { recursive: true });
  for (const [id, text] of plan.texts) await writeFile(join(folder, "LICENSES", `${id.replace(/[^\w.+-]/g, "_")}.txt`), text);
  if (plan.sourceFiles.length > 0) await mkdir(join(folder, "SOURCES"), { recursive: true });
  for (const file of plan.sourceFiles) await copyFile(file, join(folder, "SOURCES", basename(file)));
  await writeFile(join(folder, "SOURCES.txt"), sourcesText(plan));
}

function sourcesText({ components, terms, sourceFiles: files }: LicencePlan): string {
  const parts = components.map((component) => {
    const { id, licence, package: name, version, architecture, packageSha256 } = component;
    const rows = [
      ["licence", `${licence} (LICENSES/${id.replace(/[^\w.+-]/g, "_")}.txt)`],
      ["package", name && `${name} ${version} ${architecture ?? ""}`.trim()],
      ["package SHA-256", packageSha256],
      [
        "source",
        sourceOf(component)
          .map(({ package: source, version: of }) => `${source} ${of}`)
          .join(", "),
      ],
      ...component.files.map(({ role, sha256, size }) => [role, `${size} bytes, SHA-256 ${sha256}`]),
    ];
    return [id, ...rows.filter(([, value]) => value).map(([key, value]) => `  ${key}: ${value}`)].join("\n");
  });
  const none = "The snapshot does not say whose work it contains.";
  const how =
    files.length > 0
      ? ["The sources are in SOURCES/."]
      : terms.offer
        ? [`How to get the sources: ${terms.offer}`]
        : ["No component asks for its source to go along."];
  return `${["What the machine's memory and disks may hold parts of:", ...(parts.length > 0 ? parts : [none]), ...how].join("\n\n")}\n`;
}

/**
 * Whose work a machine's memory may hold, as snapshots say it: the prepared components and built-in guests that its boot
 * images are made of, found by SHA-256.
 */
import type { ComponentRecord, FileRecord } from "../snapshot/manifest";
import type { Component, Manifest } from "./manifest";

/** The components of which one of these images is a file. `manifest`: of the prepared guests, if there are any. */
export function componentRecords(manifest: Manifest | undefined, images: readonly FileRecord[]): ComponentRecord[] {
  const hashes = new Set(images.map(({ sha256 }) => sha256));
  return (manifest?.components ?? []).filter((component) => component.files.some(({ sha256 }) => hashes.has(sha256))).map(recordOf);
}

function recordOf({ id, licence, source, builtUsing, download, files, ...component }: Component): ComponentRecord {
  return {
    id,
    licence,
    package: component.package,
    version: component.version,
    architecture: component.architecture,
    source,
    ...(builtUsing === undefined ? {} : { builtUsing }),
    packageSha256: download.sha256,
    files: files.map(({ role, size, sha256 }) => ({ role, size, sha256 })),
  };
}

/** Vitrine's own guests have Vitrine's licence, and their source is in it. */
export const builtInRecord = (id: string, images: readonly FileRecord[]): ComponentRecord => ({ id, licence: "MIT", files: images });

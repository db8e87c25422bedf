/** The core's WebAssembly in a worker: fetched and compiled once, whoever asks. */
import coreUrl from "../../dist/core/core.wasm?url";
import { DownloadFailed, FeatureMissing } from "../lib/errors";

let compiled: Promise<WebAssembly.Module> | undefined;

/** Rejects with DownloadFailed, FeatureMissing. */
export function coreModule(): Promise<WebAssembly.Module> {
  compiled ??= compile();
  return compiled;
}

async function compile(): Promise<WebAssembly.Module> {
  const response = await fetch(coreUrl).catch(() => undefined);
  if (!response?.ok)
    throw new DownloadFailed(
      "The emulator's core",
      response?.status ?? 0,
      "Check that the server (npm start) is running, then reload the page.",
    );
  try {
    return await WebAssembly.compile(await response.arrayBuffer());
  } catch (error) {
    if (error instanceof WebAssembly.CompileError)
      throw new FeatureMissing("WebAssembly with SIMD and bulk memory", "Use a current version of Chrome, Edge, Firefox or Safari.");
    throw error;
  }
}

/** What this build calls itself in files that outlive it. The number is package.json's. */
export const BUILD = "vitrine 0.1.0";

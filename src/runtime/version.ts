// The version of the package, read from where it stands once.
import manifest from "../../package.json" with { type: "json" };

export const VERSION: string = manifest.version;

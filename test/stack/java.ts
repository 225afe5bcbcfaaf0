// Finds Java and Maven: which Java runs which part is decided by the versions that are installed.
import { existsSync, readdirSync, readFileSync, realpathSync } from "node:fs";
import { delimiter, join } from "node:path";
import process from "node:process";

/** A Java that is installed. */
export interface Java {
  readonly version: number;
  readonly executable: string;
}

/** Something is missing that a person has to install; the message says what and how, in one line. */
export class MissingTool extends Error {}

/** The lowest Java of at least this version: parts run longest on the version they were made for. */
export function findJava(least: number, found: readonly Java[] = installedJavas()): Java {
  const fit = found.filter(({ version }) => version >= least).sort((a, b) => a.version - b.version)[0];
  if (fit !== undefined) return fit;
  const there = found.length === 0 ? "none is installed" : `there is ${found.map(({ version }) => version).join(", ")}`;
  throw new MissingTool(
    `Java ${least} or later is missing (${there}): set JAVA_HOME, or install it, for example ` +
      `"apt-get install openjdk-${least}-jre-headless" or "brew install openjdk@${least}"`,
  );
}

/** Where Maven is; asked for only while jars are missing. */
export function findMaven(): string {
  const path = onPath("mvn");
  if (path !== undefined) return path;
  throw new MissingTool(
    'Maven is missing: install it, for example "apt-get install maven" or "brew install maven"; ' +
      "it fetches Kafka, Neo4j and the registry once",
  );
}

/** Every Java that JAVA_HOME, JAVA_HOME_…, the usual folders and the PATH lead to. */
export function installedJavas(env: NodeJS.ProcessEnv = process.env): Java[] {
  const named = Object.entries(env).filter(([name, value]) => name.startsWith("JAVA_HOME") && value !== undefined);
  const java = onPath("java");
  const homes = [
    ...named.map(([, home]) => home!),
    ...within("/usr/lib/jvm", ""),
    ...within("/Library/Java/JavaVirtualMachines", "Contents/Home"),
    ...(java === undefined ? [] : [join(realpathSync(java), "../..")]),
  ];
  const seen = new Map<string, Java>();
  for (const home of homes) {
    const executable = join(home, "bin/java");
    if (existsSync(executable) && existsSync(join(home, "release"))) {
      const version = /JAVA_VERSION="(?:1\.)?(\d+)/.exec(readFileSync(join(home, "release"), "utf8"))?.[1];
      if (version !== undefined) seen.set(realpathSync(executable), { version: Number(version), executable });
    }
  }
  return [...seen.values()];
}

function within(folder: string, inner: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder).map((name) => join(folder, name, inner));
}

function onPath(name: string): string | undefined {
  const folders = (process.env.PATH ?? "").split(delimiter).filter((folder) => folder !== "");
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
}

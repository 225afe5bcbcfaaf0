// How a command ends when it cannot do its work: one line that says what to do, and an exit code. Never a stack trace.

/** An end that the person at the terminal can do something about. */
export class Failure extends Error {
  readonly exitCode: number;
  constructor(message: string, options: { exitCode?: number; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.name = "Failure";
    this.exitCode = options.exitCode ?? 1;
  }
}

/** A command that was typed wrongly. */
export function usageFailure(message: string): Failure {
  return new Failure(message, { exitCode: 2 });
}

const SYSTEM_ERRORS: { readonly [code: string]: string } = {
  ENOENT: "there is no such file",
  EACCES: "permission denied",
  EISDIR: "it is a folder",
  ENOTDIR: "a part of the path is not a folder",
  ENOSPC: "the disk is full",
  EROFS: "the disk is read-only",
};

/** Why a file could not be used, in words. */
export function fileReason(error: unknown): string {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  return SYSTEM_ERRORS[code] ?? messageOf(error);
}

/** The message of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error && error.message !== "" ? error.message : String(error);
}

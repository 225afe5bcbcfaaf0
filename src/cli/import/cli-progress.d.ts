// What the import uses of cli-progress, which brings no types of its own.
declare module "cli-progress" {
  export class SingleBar {
    constructor(options: {
      readonly format: string;
      readonly stream?: NodeJS.WritableStream;
      readonly hideCursor?: boolean;
      readonly clearOnComplete?: boolean;
      readonly gracefulExit?: boolean;
      readonly barCompleteChar?: string;
      readonly barIncompleteChar?: string;
    });
    start(total: number, value: number, payload: { readonly [name: string]: string }): void;
    update(value: number, payload: { readonly [name: string]: string }): void;
    stop(): void;
  }
}

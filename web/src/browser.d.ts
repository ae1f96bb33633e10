// What browsers have and TypeScript's page types leave out.

interface FileSystemSyncAccessHandle {
  write(bytes: Uint8Array<ArrayBuffer>, options: { at: number }): number;
  flush(): void;
  close(): void;
  getSize(): number;
}

interface FileSystemFileHandle {
  createSyncAccessHandle(): Promise<FileSystemSyncAccessHandle>;
}

/** The version of this page, set when it is built. */
declare const __VERSION__: string;

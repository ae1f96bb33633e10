// Where sealed and unpacked files lie while the page works on them: the browser's private file system, on the disk and
// not in memory. Sealed payloads survive a reload; unpacked files are thrown away when their reader is done.

/** The part of a synchronous handle that is used. */
export type Written = FileSystemSyncAccessHandle;

const SEALED = "sealed";
const OPENED = "opened";

async function folder(name: string): Promise<FileSystemDirectoryHandle> {
  const root = await navigator.storage.getDirectory();
  return root.getDirectoryHandle(name, { create: true });
}

export async function newSealed(): Promise<{ place: FileSystemFileHandle; handle: Written }> {
  const place = await (await folder(SEALED)).getFileHandle(crypto.randomUUID(), { create: true });
  return { place, handle: await place.createSyncAccessHandle() };
}

export async function sealedFile(name: string): Promise<File> {
  return (await (await folder(SEALED)).getFileHandle(name)).getFile();
}

/** A sealed payload to go on with, where an earlier attempt stopped. */
export async function sealedHandle(name: string): Promise<FileSystemFileHandle> {
  return (await folder(SEALED)).getFileHandle(name, { create: true });
}

export async function removeSealed(name: string): Promise<void> {
  await (await folder(SEALED)).removeEntry(name).catch(() => undefined);
}

export async function sealedNames(): Promise<string[]> {
  const names: string[] = [];
  for await (const name of (await folder(SEALED)).keys()) names.push(name);
  return names;
}

export async function newOpened(): Promise<FileSystemFileHandle> {
  return (await folder(OPENED)).getFileHandle(crypto.randomUUID(), { create: true });
}

/** Throws away every unpacked file. */
export async function removeOpened(): Promise<void> {
  const root = await navigator.storage.getDirectory();
  await root.removeEntry(OPENED, { recursive: true }).catch(() => undefined);
}

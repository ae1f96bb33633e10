// What stays on the device: one small IndexedDB. Identity files are under their passphrase, everything else is sealed to
// the identity before it comes here; only the bootstrap card and the chosen language lie open.

const NAME = "amana";
const TABLE = "kept";

function opened(): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(TABLE);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error("this browser keeps nothing"));
  });
}

async function run<Answer>(mode: IDBTransactionMode, act: (table: IDBObjectStore) => IDBRequest<Answer>): Promise<Answer> {
  const database = await opened();
  try {
    return await new Promise((resolve, reject) => {
      const transaction = database.transaction(TABLE, mode, { durability: "strict" });
      const request = act(transaction.objectStore(TABLE));
      transaction.oncomplete = () => resolve(request.result);
      transaction.onabort = () => reject(transaction.error ?? new Error("the device did not keep it"));
    });
  } finally {
    database.close();
  }
}

export const read = <Value>(key: string): Promise<Value | undefined> => run("readonly", (table) => table.get(key));
export const write = (key: string, value: unknown): Promise<unknown> => run("readwrite", (table) => table.put(value, key));
export const remove = (key: string): Promise<unknown> => run("readwrite", (table) => table.delete(key));
export const keys = (): Promise<IDBValidKey[]> => run("readonly", (table) => table.getAllKeys());

/** Forgets everything of Amana on this device. */
export async function forgetAll(): Promise<void> {
  await run("readwrite", (table) => table.clear());
  const root = await navigator.storage?.getDirectory?.();
  if (root) await root.removeEntry("sealed", { recursive: true }).catch(() => undefined);
}

// As `work/place.ts`, for a page that was opened from a file and has no private file system: everything lies in Blobs, which
// browsers keep out of the page's memory. Nothing survives the page.

type Bytes = Uint8Array<ArrayBuffer>;

export interface Written {
  write(bytes: Bytes, options: { at: number }): number;
  flush(): void;
  close(): void;
  getSize(): number;
}

export interface Place {
  readonly name: string;
  createSyncAccessHandle(): Promise<Written>;
  getFile(): Promise<File>;
}

/** What is written once and in any order, each byte once. */
class Parts implements Place, Written {
  readonly name = crypto.randomUUID();
  readonly #parts = new Map<number, Blob>();

  write(bytes: Bytes, { at }: { at: number }): number {
    // A copy: the writer uses its buffer again.
    this.#parts.set(at, new Blob([bytes.slice()]));
    return bytes.length;
  }

  getSize(): number {
    return [...this.#parts].reduce((most, [at, part]) => Math.max(most, at + part.size), 0);
  }

  async createSyncAccessHandle(): Promise<Written> {
    return this;
  }

  async getFile(): Promise<File> {
    const inOrder = [...this.#parts].toSorted(([a], [b]) => a - b).map(([, part]) => part);
    return new File(inOrder, this.name);
  }

  flush(): void {}
  close(): void {}
}

const places = new Map<string, Parts>();

export async function newSealed(): Promise<{ place: Place; handle: Written }> {
  const place = new Parts();
  places.set(place.name, place);
  return { place, handle: place };
}

export async function sealedFile(name: string): Promise<File> {
  const place = places.get(name);
  if (!place) throw new Error("nothing was sealed under this name");
  return place.getFile();
}

export async function removeSealed(name: string): Promise<void> {
  places.delete(name);
}

export const newOpened = async (): Promise<Place> => new Parts();
export const removeOpened = async (): Promise<void> => undefined;

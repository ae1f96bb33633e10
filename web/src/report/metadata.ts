// Hidden metadata: what a file says about its maker without showing it. Only warns, and knows only the commonest kinds;
// it must never alter a file, since an original with its metadata is evidence. The same as `src/client/report/metadata.rs`.

export type Hidden = "hidden-jpeg" | "hidden-png" | "hidden-pdf" | "hidden-office" | "hidden-phone";

const SNIFF_BYTES = 64 * 1024;

export async function hiddenIn(file: Blob): Promise<Hidden | undefined> {
  const read = async (from: number, to: number) => new TextDecoder("latin1").decode(await file.slice(from, to).arrayBuffer());
  const head = await read(0, SNIFF_BYTES);
  const tail = await read(Math.max(0, file.size - SNIFF_BYTES), file.size);
  const either = (...needles: string[]) => needles.some((needle) => head.includes(needle) || tail.includes(needle));
  // TextDecoder's latin1 is windows-1252: bytes 80 to 9F read as other characters, so only plain ones are compared.
  if (head.startsWith("\u00ff\u00d8\u00ff")) {
    return head.includes("Exif\0") || head.includes("http://ns.adobe.com/") || head.includes("Photoshop") ? "hidden-jpeg" : undefined;
  }
  if (head.slice(1, 8) === "PNG\r\n\u001a\n") return /eXIf|tEXt|zTXt|iTXt/u.test(head) ? "hidden-png" : undefined;
  if (head.startsWith("%PDF-")) return either("/Author", "/Creator", "/Producer", "<x:xmpmeta") ? "hidden-pdf" : undefined;
  if (head.startsWith("PK\u0003\u0004")) return either("docProps/", "mimetypeapplication/vnd.oasis") ? "hidden-office" : undefined;
  if (head.slice(4, 8) === "ftyp") return either("Exif", "xyz", "com.apple.quicktime", "<x:xmpmeta") ? "hidden-phone" : undefined;
  return undefined;
}

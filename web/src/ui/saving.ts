// Handing a file to the person. Always as a download of unknown type: nothing that came out of a report is ever shown by
// this page's own origin.

export function download(content: Blob, name: string): void {
  const address = URL.createObjectURL(new Blob([content], { type: "application/octet-stream" }));
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

export async function interoperability() {}

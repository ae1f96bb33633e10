export async function hazards() {}

export type { WrittenImage } from "./image.ts";
export { writeImage } from "./image.ts";
export { writeOutput } from "./outputs.ts";
export { pushImage } from "./registry.ts";

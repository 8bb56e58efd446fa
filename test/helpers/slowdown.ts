/** How much longer than on a usual machine programs take on this one: an emulated machine, test/vm, says so. 1 where nothing is said. */
export const SLOWDOWN: number = Number(process.env["TSBUILD_TEST_SLOWDOWN"] ?? 1);

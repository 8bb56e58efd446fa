import { suite } from "uvu";
import * as assert from "uvu/assert";
import { countCargo, countCheck, countUvu } from "./count.ts";

const count = suite("runner: count");

const uvu = (total: number, passed: number, skipped = 0) =>
  `  Total:     ${total}\n  Passed:    ${passed}\n  Skipped:   ${skipped}\n  Duration:  1.00ms\n`;

count("a file whose tests all passed counts them", () => {
  assert.equal(countUvu(uvu(7, 7, 2), 0), { passed: 7, failed: 0, skipped: 2 });
});

count("a file with failed tests counts both", () => {
  assert.equal(countUvu(uvu(7, 5), 1), { passed: 5, failed: 2, skipped: 0 });
});

count("a file that ran no test has failed", () => {
  assert.equal(countUvu("", 0), { passed: 0, failed: 1, skipped: 0 });
  assert.equal(countUvu(uvu(0, 0), 0), { passed: 0, failed: 1, skipped: 0 });
});

count("a file that ends badly after its tests passed has failed", () => {
  assert.equal(countUvu(uvu(3, 3), 137), { passed: 3, failed: 1, skipped: 0 });
});

count("a test's own output cannot stand in for the closing lines", () => {
  assert.equal(countUvu(`  Total:     9\n  Passed:    9\n${uvu(3, 2)}`, 1), { passed: 2, failed: 1, skipped: 0 });
});

count("test binaries of a crate are added up", () => {
  const line = (passed: number, failed: number) =>
    `test result: ok. ${passed} passed; ${failed} failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s\n`;
  assert.equal(countCargo(line(4, 0) + line(2, 1), 101), { passed: 6, failed: 1, skipped: 2 });
});

count("a crate that does not compile has failed once", () => {
  assert.equal(countCargo("error: could not compile\n", 101), { passed: 0, failed: 1, skipped: 0 });
});

count("a check is one test", () => {
  assert.equal(countCheck("", 0), { passed: 1, failed: 0, skipped: 0 });
  assert.equal(countCheck("", 1), { passed: 0, failed: 1, skipped: 0 });
});

count.run();

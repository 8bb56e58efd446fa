import { suite as createSuite } from "uvu";
import * as assert from "uvu/assert";
import { parseCsvFields } from "../../builder/csv.ts";

const suite = createSuite("CSV");

suite("fields may be quoted, have doubled quotes, and be empty", () => {
  const fields = parseCsvFields('type=bind,"a=b,""c""",,x');
  assert.equal(
    fields.map(({ value }) => value),
    ["type=bind", 'a=b,"c"', "", "x"],
  );
  assert.throws(() => parseCsvFields('a"b'), /bare "/);
  assert.throws(() => parseCsvFields('"a"b'), /extraneous or missing "/);
  assert.throws(() => parseCsvFields('"a'), /extraneous or missing "/);
});

suite.run();

import { dockerignoreTable } from "./dockerignore-table.ts";
import { lintTable } from "./lint-table.ts";
import { negativeParserTable, parserTable } from "./parser-tables.ts";
import { envVarTable, lexTable, wordsTable } from "./shell-tables.ts";
import type { ConformanceTable } from "./table.ts";
import { trapTable } from "./trap-table.ts";

/** Every table of a folder. */
export function readTables(folder: string): readonly ConformanceTable[] {
  const readers = [
    envVarTable,
    wordsTable,
    lexTable,
    parserTable,
    negativeParserTable,
    trapTable,
    lintTable,
    dockerignoreTable,
  ];
  return readers.map((read) => read(folder));
}

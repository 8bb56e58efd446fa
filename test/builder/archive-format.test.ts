import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { isArchive, isArchiveFile } from "../../builder/archive-format.ts";
import { commandOutput } from "../helpers/command.ts";
import { makeTempDir } from "../helpers/temp.ts";

const format = suite("archive format");

const heads: readonly (readonly [name: string, head: Uint8Array, expected: boolean])[] = [
  ["gzip", gzipSync("x"), true],
  ["bzip2", Buffer.from("BZh91AY"), true],
  ["xz", Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00, 0x00]), true],
  ["zstd", Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00]), true],
  ["an empty tar", Buffer.alloc(1024), true],
  ["nothing", Buffer.alloc(0), false],
  ["a Dockerfile", Buffer.from("FROM scratch\n"), false],
  ["a long Dockerfile", Buffer.from(`FROM scratch\n${"# 0123456 \n".repeat(100)}`), false],
  ["the first half of a magic number", Buffer.from([0x1f, 0x8b]), false],
];

for (const [name, head, expected] of heads) {
  format(`${name} is ${expected ? "an" : "no"} archive`, () => assert.is(isArchive(head), expected));
}

for (const flavour of ["v7", "ustar", "gnu", "pax"]) {
  format(`a tar of the ${flavour} kind is known by its checksum, and no more when that is wrong`, async () => {
    const folder = makeTempDir("tar");
    writeFileSync(join(folder, "Dockerfile"), "FROM scratch\n");
    const path = join(folder, "x.tar");
    await commandOutput(["tar", `--format=${flavour}`, "-cf", path, "-C", folder, "Dockerfile"]);
    assert.is(await isArchiveFile(path), true);
    await commandOutput(["sh", "-c", 'printf X | dd of="$0" conv=notrunc status=none', path]);
    assert.is(await isArchiveFile(path), false);
  });
}

format.run();

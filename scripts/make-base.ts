// Makes a base image from Debian packages: node --import tsx scripts/make-base.ts busybox|debian|node [LAYOUT]
import { existsSync } from "node:fs";
import { type BaseImage, baseImage, makeBaseImage } from "../test/helpers/base-images.ts";

const [name = "", layout] = process.argv.slice(2);
if (!["busybox", "debian", "node"].includes(name)) {
  console.error("usage: make-base.ts busybox|debian|node [LAYOUT]");
  process.exit(2);
}
if (layout === undefined) console.log(await baseImage(name as BaseImage));
else {
  if (!existsSync(layout)) await makeBaseImage(name as BaseImage, layout);
  console.log(layout);
}

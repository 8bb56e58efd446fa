// Copies an image from one OCI layout into another without the builder: node --import tsx examples/copy.ts FROM TAG TO
import { copy, fetchManifest, OciLayout } from "tsbuild/registry-client";

const [from = "", tag = "", to = ""] = process.argv.slice(2);

const source = await OciLayout.open(from);
const destination = await OciLayout.open(to, { create: true });
const descriptor = await copy(source, tag, destination, tag, {
  onProgress: ({ state, descriptor }) => {
    if (state === "done") console.error("copied", descriptor.digest, descriptor.size);
  },
});
const manifest = await fetchManifest(destination, descriptor);
console.log(descriptor.digest, `${manifest.layers.length} layers`);

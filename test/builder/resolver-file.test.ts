import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { readResolver } from "../../builder/resolver-file.ts";
import { makeTempDir } from "../helpers/temp.ts";

const resolver = suite("resolv.conf of the machine");

const directory = makeTempDir("resolver");

function read(text: string) {
  const path = join(directory, "resolv.conf");
  writeFileSync(path, text);
  return readResolver(path);
}

resolver("a nameserver that is no address is passed over, as resolvers do", () => {
  const text =
    "nameserver bogus\nnameserver\nnameserver fe80::1%eth0\nnameserver 10.0.0.1 # ours\nnameserver 2001:db8::1\n";
  assert.equal(read(text).nameservers, ["fe80::1%eth0", "10.0.0.1", "2001:db8::1"]);
});

resolver("without a nameserver, lookups go to the machine itself", () => {
  assert.equal(read("# none\nsearch a.example\n").nameservers, ["127.0.0.1"]);
  assert.equal(readResolver(join(directory, "missing")).nameservers, ["127.0.0.1"]);
});

resolver("of search and domain the last line counts", () => {
  const { searchDomains, lines } = read("domain a.example\nsearch b.example c.example\noptions ndots:2\n");
  assert.equal(searchDomains, ["b.example", "c.example"]);
  assert.equal(lines, ["search b.example c.example", "options ndots:2"]);
});

resolver.run();

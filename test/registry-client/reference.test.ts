import { suite } from "uvu";
import * as assert from "uvu/assert";
import { Reference, RegistryError } from "../../registry-client/index.ts";

const reference = suite("reference");

const sha256 = `sha256:${"a".repeat(64)}`;
const sha512 = `sha512:${"b".repeat(128)}`;

/** What is written, its canonical form, and its familiar one. */
const valid: readonly (readonly [string, string, string])[] = [
  ["busybox", "docker.io/library/busybox:latest", "busybox:latest"],
  ["busybox:1.36", "docker.io/library/busybox:1.36", "busybox:1.36"],
  ["library/busybox", "docker.io/library/busybox:latest", "busybox:latest"],
  ["docker.io/busybox", "docker.io/library/busybox:latest", "busybox:latest"],
  ["index.docker.io/busybox", "docker.io/library/busybox:latest", "busybox:latest"],
  ["grafana/loki:2.9", "docker.io/grafana/loki:2.9", "grafana/loki:2.9"],
  ["localhost/x", "localhost/x:latest", "localhost/x:latest"],
  ["localhost:5000/x/y/z", "localhost:5000/x/y/z:latest", "localhost:5000/x/y/z:latest"],
  ["ghcr.io/a/b:v1", "ghcr.io/a/b:v1", "ghcr.io/a/b:v1"],
  ["Foo/bar", "Foo/bar:latest", "Foo/bar:latest"],
  ["[::1]:5000/x", "[::1]:5000/x:latest", "[::1]:5000/x:latest"],
  ["[2001:db8::1]/x:v", "[2001:db8::1]/x:v", "[2001:db8::1]/x:v"],
  ["a__b/c--d/e.f", "docker.io/a__b/c--d/e.f:latest", "a__b/c--d/e.f:latest"],
  [`busybox@${sha256}`, `docker.io/library/busybox@${sha256}`, `busybox@${sha256}`],
  [`busybox:1@${sha256}`, `docker.io/library/busybox:1@${sha256}`, `busybox:1@${sha256}`],
  [`ghcr.io/a/b@${sha512}`, `ghcr.io/a/b@${sha512}`, `ghcr.io/a/b@${sha512}`],
  ["x:_.-", "docker.io/library/x:_.-", "x:_.-"],
  [`x:${"t".repeat(128)}`, `docker.io/library/x:${"t".repeat(128)}`, `x:${"t".repeat(128)}`],
];

const invalid: readonly (readonly [string, RegExp])[] = [
  ["", /invalid repository name/],
  ["foo/Bar", /lowercase/],
  ["Busybox", /lowercase/],
  ["a..b", /invalid repository name/],
  ["a___b", /invalid repository name/],
  ["-a", /invalid repository name/],
  ["a/", /invalid repository name/],
  ["/a", /invalid repository name/],
  ["a//b", /invalid repository name/],
  ["x:", /invalid tag/],
  ["x:.a", /invalid tag/],
  [`x:${"t".repeat(129)}`, /invalid tag/],
  ["x@sha256:abc", /invalid digest/],
  [`x@sha256:${"A".repeat(64)}`, /invalid digest/],
  [`x@sha512:${"a".repeat(64)}`, /invalid digest/],
  [`x@${sha256}@${sha256}`, /invalid digest/],
  ["a".repeat(64), /image id/],
  ["http://x/y", /invalid registry/],
  ["docker://busybox", /invalid registry/],
  ["host:port/x", /invalid registry/],
  ["-host.io/x", /invalid registry/],
  ["[::1%eth0]/x", /invalid registry/],
  ["a b", /invalid repository name/],
  ["a\n", /invalid repository name/],
  [`${"a/".repeat(130)}a`, /at most 255/],
];

for (const [written, canonical, familiar] of valid) {
  reference(`${written.slice(0, 60)} is ${canonical.slice(0, 60)}`, () => {
    const parsed = Reference.parse(written);
    assert.is(parsed.toString(), canonical);
    assert.is(parsed.familiar(), familiar);
    assert.is(Reference.parse(canonical).toString(), canonical);
  });
}

for (const [written, reason] of invalid) {
  reference(`${JSON.stringify(written.slice(0, 60))} is refused: ${reason.source}`, () => {
    assert.throws(
      () => Reference.parse(written),
      (error: unknown) =>
        error instanceof RegistryError && error.code === "INVALID_REFERENCE" && reason.test(error.message),
    );
  });
}

reference("docker.io has one name in references, one for the API and one for credentials", () => {
  const { registry, host, credentialKey } = Reference.parse("busybox");
  assert.equal([registry, host, credentialKey], ["docker.io", "registry-1.docker.io", "https://index.docker.io/v1/"]);
});

reference("a name with tag and digest asks for the digest and keeps the tag", () => {
  const parsed = Reference.parse(`busybox:1@${sha256}`);
  assert.is(parsed.reference, sha256);
  assert.is(parsed.tag, "1");
});

reference("a name without tag stays without when no default is wanted", () => {
  assert.is(Reference.parse("busybox", { defaultTag: null }).toString(), "docker.io/library/busybox");
});

// A grammar that backtracks would take hours: the runner's limit ends it.
reference("hostile names of a megabyte are refused", () => {
  for (const text of ["a".repeat(1e6), "a-".repeat(5e5), `${"a/".repeat(5e5)}!`, `x:${"-".repeat(1e6)}`]) {
    assert.throws(() => Reference.parse(text));
  }
});

reference.run();
